/** Lua functions that several scripts begin with. */
import { COUNTED, STEP } from '../../options.ts'
import { HOLD, NOW } from './lua-first.ts'

/**
 * The first line of a script that frees memory or costs next to none. Where Redis is full it refuses a command that could
 * need memory, unless the script has written before: that lets a script end what it began. PEXPIRE is never refused.
 */
export const evenIfFull = (key: string, lifetime: string): string => `call('PEXPIRE', ${key}, ${lifetime})\n`

/** `last(log)`: the number of a log's last entry (0 if there is none), and whether that entry ends the log. */
export const LAST = `
local function last(log)
  local entry = call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  if not entry then return 0, false end
  return tonumber(string.match(entry[1], '^%d+')), entry[2][5] == 'f'
end
`

/** `first(log, otherwise)`: the number of a log's first entry. */
export const FIRST = `
local function first(log, otherwise)
  local entry = call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  return entry and tonumber(string.match(entry[1], '^%d+')) or otherwise
end
`

/** `tag_at(log, n)`: the tag of an entry, or false. */
export const TAG_AT = `
local function tag_at(log, n)
  local entry = call('XRANGE', log, n .. '-0', n .. '-0')[1]
  return entry and entry[2][2]
end
`

/**
 * `hold_on(held, sizes, name, ttl, longest)`: a part of {@link HOLD}, if it is counted, counts for `ttl` ms from now on.
 * `held_for(held)`: for how many ms some part still counts.
 */
export const HOLD_ON = `
local function hold_on(held, sizes, name, ttl, longest)
  call('ZADD', held, 'XX', now() + ttl, name)
  call('PEXPIRE', held, longest)
  call('PEXPIRE', sizes, longest)
end
local function held_for(held)
  local last = call('ZREVRANGE', held, 0, 0, 'WITHSCORES')[2]
  return last and math.max(0, tonumber(last) - now()) or 0
end
`

/**
 * `add(log, sizes, stream, n, tag, messages, final, max, max_bytes)`: adds entries from the number `n` on, the last of
 * them `final`. The log keeps the newest `max`, and of those the newest that fit into `max_bytes`. The hash `sizes`
 * counts its bytes, which are returned: before and afterwards.
 * `bound(held, sizes, session, place, log, stream, bytes, more, ttl, open, max)`: counts a log of so many bytes, with `more`
 * for its call. A session that keeps over `max` bytes is marked as full, and this log keeps its newest messages only. Returns what
 * the session keeps.
 * `is_step(before, bytes)`: a log has grown so much that it is counted.
 * `keep(log, logs, held, sizes, stream, ttl, open, live)`: the log lives for `ttl` ms and counts for as long, and `logs` lists it
 * for DELETE. Logs that expired
 * leave the list, and with them, where `live` is given, the holders of their streams: an instance that died gives up none.
 */
export const WRITE_LOG = `${HOLD}${HOLD_ON}
local function trim(log, sizes, stream, length, bytes, max, max_bytes)
  while length > max or (bytes > max_bytes and length > 1) do
    local oldest = call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
    call('XDEL', log, oldest[1])
    -- 0 - # and not -#: for an empty message that is -0, which Redis rejects as a number.
    bytes = call('HINCRBY', sizes, 'b:' .. stream, 0 - #oldest[2][4])
    length = length - 1
  end
  return bytes
end
local function is_step(before, bytes) return math.floor(before / ${STEP}) ~= math.floor(bytes / ${STEP}) end
local function bound(held, sizes, session, place, log, stream, bytes, more, ttl, open, max)
  local sum = hold(held, sizes, stream, bytes + more, ttl, open)
  if sum > max then sum = purge(held, sizes, 1000) end
  if sum <= max then return sum end
  call('HSET', session, 'full', '1')
  local kept = trim(log, place, stream, call('XLEN', log), bytes, math.huge, math.max(0, bytes - (sum - max)))
  return hold(held, sizes, stream, kept + more, ttl, open)
end
local function add(log, sizes, stream, n, tag, messages, final, max, max_bytes)
  local added = 0
  for i, message in ipairs(messages) do
    if final and i == #messages then
      call('XADD', log, (n + i - 1) .. '-0', 't', tag, 'm', message, 'f', '1')
    else
      call('XADD', log, (n + i - 1) .. '-0', 't', tag, 'm', message)
    end
    added = added + #message
  end
  -- The log had expired: its count begins again.
  local length = call('XLEN', log)
  if length == #messages then call('HDEL', sizes, 'b:' .. stream) end
  local bytes = call('HINCRBY', sizes, 'b:' .. stream, added)
  return bytes - added, trim(log, sizes, stream, length, bytes, max, max_bytes)
end
local function keep(log, logs, held, sizes, stream, ttl, open, live)
  local time = now()
  local exists = call('PEXPIRE', log, ttl) == 1
  -- The stored request of a call that has logged nothing is such a part too.
  hold_on(held, sizes, stream, ttl, open)
  if not exists then return end
  if live then
    for _, expired in ipairs(call('ZRANGEBYSCORE', logs, '-inf', time)) do
      call('ZREM', logs, expired)
      if expired ~= stream and call('HEXISTS', live, 'o:' .. expired) == 0 then
        call('HDEL', live, 's:' .. expired, 'p:' .. expired, 'b:' .. expired)
      end
    end
  end
  call('ZADD', logs, time + ttl, stream)
  call('PEXPIRE', logs, open)
end
`

/**
 * `own_end(session, stream)`: the number of the last entry of a stream that belongs to the session and to no call; nil
 * for the stream of a call. The GET stream exists from the start.
 */
export const OWN_END = `
local function own_end(session, stream)
  local value = call('HGET', session, 'e:' .. stream)
  return value and tonumber(value) or (stream == 'get' and 0 or nil)
end
`

/** `forget_call(live, stream, asks)`: a call is over, and these asks of it are forgotten. The holder of its stream stays. */
export const FORGET_CALL = `
local function forget_call(live, stream, asks)
  for _, ask in ipairs(asks) do call('HDEL', live, 'a:' .. ask, 'v:' .. ask) end
  local id = call('HGET', live, 'i:' .. stream)
  -- Another call may have the same id.
  if id and call('HGET', live, 'c:' .. id) == stream then call('HDEL', live, 'c:' .. id) end
  call('HDEL', live, 'i:' .. stream, 'o:' .. stream, 'r:' .. stream, 'x:' .. stream, 'b:' .. stream)
  if call('HEXISTS', live, 's:' .. stream) == 0 then call('HDEL', live, 'p:' .. stream) end
end
`

/** The field that has the stored request: that of a durable call is where builds before the journal do not look. */
export type RequestField = 'r:' | 'd:'

/** `calls_at_once(live)`: how many calls the session has. */
export const CALLS_AT_ONCE = `
local function calls_at_once(live)
  local count = 0
  for _, field in ipairs(call('HKEYS', live)) do
    if string.sub(field, 1, 2) == 'o:' then count = count + 1 end
  end
  return count
end
`

/**
 * `register(...)`: nil where the call is registered for this run, now or before; 'lost' where another run has it, or it has
 * ended. Its handler runs already, so that nothing else refuses it: of several calls with one id each is registered, and a
 * session that has `max_calls` is marked as busy, for the next call to be refused before it begins. The mark of an early
 * cancel becomes the call's flag, and is gone, unless it is older than `mark_age` ms: then it was meant for an earlier call
 * with the id.
 * `count_request(...)`: counts the request of a call that has sent nothing. Where the session keeps as much as it may, the request
 * is not stored: the call goes on, and no other instance can run it again.
 */
export const registerCall = (request: RequestField): string => `${LAST}${NOW}${CALLS_AT_ONCE}
local function count_request(held, sizes, live, stream, request, open, max)
  if #request < ${COUNTED} then return end
  if purge(held, sizes, 1000) + #request > max then call('HDEL', live, '${request}' .. stream)
  else hold(held, sizes, stream, #request, open, open) end
end
local function register(session, live, log, mark, over, id, stream, owner, holder, request, max_calls, mark_age)
  local running = call('HGET', live, 'o:' .. stream)
  if running then return running ~= owner and 'lost' or nil end
  if call('EXISTS', over) == 1 then return 'lost' end
  local _, ended = last(log)
  if ended then return 'lost' end
  call('HSET', live, 'c:' .. id, stream, 'i:' .. stream, id, 'o:' .. stream, owner)
  -- A build before this one marks with 1.
  local marked = tonumber(call('GET', mark) or '')
  if marked and (marked == 1 or marked >= now() - mark_age) then
    call('HSET', live, 'x:' .. stream, '1')
    call('DEL', mark)
  end
  if holder ~= '' then call('HSET', live, 's:' .. stream, holder, 'p:' .. stream, '0') end
  if request ~= '' then call('HSET', live, '${request}' .. stream, request) end
  -- A call has two fields or more of its own, so the calls are rarely counted.
  if call('HLEN', live) >= 2 * max_calls and calls_at_once(live) >= max_calls then call('HSET', session, 'busy', '1') end
end
`
