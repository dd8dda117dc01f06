/** Lua functions of the scripts on calls that may be suspended. They need `now()`. */
import { TIMED_OUT } from '../../journal.ts'

/**
 * `suspension(live, stream)`, of a call that nobody runs: since when it is suspended and until when it is kept, in ms since 1970;
 * nil where it is not, or where something is due: its cancel, or an ask that it waits for has an answer, or no time left by the
 * clock of Redis.
 */
export const SUSPENSION = `
local function suspension(live, stream)
  local since, to, asks = string.match(call('HGET', live, 'z:' .. stream) or '', '^(%d+) (%d+) (.*)$')
  if not since or call('HEXISTS', live, 'x:' .. stream) == 1 then return end
  for ask in string.gmatch(asks, '%S+') do
    local known = call('HMGET', live, 'a:' .. ask, 'v:' .. ask, 't:' .. ask)
    if not known[1] or known[2] or (known[3] and tonumber(known[3]) <= now()) then return end
  end
  return tonumber(since), tonumber(to)
end
`

/** `asks_of(live, stream)`: the asks of a call. */
export const ASKS_OF = `
local function asks_of(live, stream)
  local asks = {}
  for _, field in ipairs(call('HKEYS', live)) do
    if string.sub(field, 1, 2) == 'a:' and call('HGET', live, field) == stream then
      table.insert(asks, string.sub(field, 3))
    end
  end
  return asks
end
`

/**
 * The live parts of a session expire an hour after the last call that used them, whatever a suspended call needs. A call with a later
 * deadline has a copy of its fields in the hash `suspended`, each named by its stream and its field.
 * `restore(live, suspended)`: writes the fields of calls back that have expired; true where there were some.
 * `forget_copy(suspended, stream)`: the call is run again, or has ended.
 */
export const COPIES = `
local function restore(live, suspended)
  local copied = call('HGETALL', suspended)
  local lost, found = {}, false
  for i = 1, #copied, 2 do
    local stream = string.match(copied[i], '^(%S+) ')
    if lost[stream] == nil then lost[stream] = call('HEXISTS', live, 'o:' .. stream) == 0 end
  end
  for i = 1, #copied, 2 do
    local stream, field = string.match(copied[i], '^(%S+) (.*)$')
    if lost[stream] then
      found = true
      call('HSET', live, field, copied[i + 1])
    end
  end
  if found then call('PEXPIRE', live, math.max(call('PTTL', live), call('PTTL', suspended))) end
  return found
end
local function forget_copy(suspended, stream)
  for _, field in ipairs(call('HKEYS', suspended)) do
    if string.match(field, '^(%S+) ') == stream then call('HDEL', suspended, field) end
  end
end
`

/** `longer(key, ttl)`: a key lives for `ttl` ms at least. */
export const LONGER = `
local function longer(key, ttl)
  if call('PTTL', key) < ttl then call('PEXPIRE', key, ttl) end
end
`

/**
 * `take(stream, owner)`: a run takes a call over. Deadlines that have passed are facts from now on: each later run finds the same.
 * Its reply begins as that of a claim. It needs the keys `live`, `log`, `jrn` and `suspended`, and the number `open`.
 */
export const TAKE = `${ASKS_OF}
local function take(stream, owner)
  -- A write that is never refused: the others are not either then, where Redis is full.
  call('PEXPIRE', live, math.max(call('PTTL', live), open))
  local since = string.match(call('HGET', live, 'z:' .. stream) or '', '^%d+')
  if since then call('HSET', live, 'w:' .. stream, now() - since)
  elseif call('HGET', live, 'o:' .. stream) ~= owner then call('HDEL', live, 'w:' .. stream) end
  call('HSET', live, 'o:' .. stream, owner)
  call('HDEL', live, 'z:' .. stream)
  forget_copy(suspended, stream)
  local asks, answers, dues = asks_of(live, stream), {}, {}
  for i, ask in ipairs(asks) do
    local known = call('HMGET', live, 'v:' .. ask, 't:' .. ask)
    dues[i] = known[2] and tonumber(known[2]) - now() or 0
    if not known[1] and known[2] and dues[i] <= 0 then
      known[1] = '${TIMED_OUT}'
      call('HSET', live, 'v:' .. ask, known[1])
    end
    answers[i] = known[1]
  end
  local known = call('HMGET', live, 'i:' .. stream, 'r:' .. stream, 'd:' .. stream, 'q:' .. stream, 'w:' .. stream)
  local reply = { 'ok', call('HEXISTS', live, 'x:' .. stream), (last(log)), known[1], known[3] or known[2], asks }
  if not known[3] then return reply end
  longer(jrn, open)
  for _, item in ipairs({ answers, dues, call('HGETALL', jrn), tonumber(known[4] or 0), tonumber(known[5] or -1) }) do
    table.insert(reply, item)
  end
  return reply
end
`

/** A call that was registered without a journal is a durable one from now on. */
export const UPGRADE = `local ordinary = call('HGET', live, 'r:' .. stream)
if ordinary then
  call('HSET', live, 'd:' .. stream, ordinary)
  call('HDEL', live, 'r:' .. stream)
end
`

/** Forgets what a durable call has beside the others. */
export const FORGET_DURABLE = `
for _, ask in ipairs(forget) do call('HDEL', live, 't:' .. ask) end
call('HDEL', live, 'd:' .. stream, 'z:' .. stream, 'q:' .. stream, 'w:' .. stream)
call('UNLINK', jrn)
hold(held, sizes, stream .. ' journal', 0, open, open)
`
