/** Scripts on the streams of a session: who holds one, and what its log has. */
import type { Script } from './script.ts'
import { FIRST, LAST, OWN_END, TAG_AT, WRITE_LOG } from './script.ts'

/** Appends to a stream that belongs to the session. A message that was added under the same id is not added again. */
export const post: Script = {
  name: 'mcpPost',
  keys: 4,
  lua: `
local session, log, logs, posted = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local stream, message, tag, max, open, repeat_ttl = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]
local max_bytes = tonumber(ARGV[7])
${OWN_END}${WRITE_LOG}
if redis.call('EXISTS', session) == 0 then return { 'gone' } end
local n = tonumber(redis.call('GET', posted) or 0)
if n == 0 then
  n = (own_end(session, stream) or 0) + 1
  add(log, session, stream, n, tag, { message }, false, max, max_bytes)
  keep(log, logs, stream, open, open)
  redis.call('HSET', session, 'e:' .. stream, n)
end
redis.call('SET', posted, n, 'PX', repeat_ttl)
return { 'ok', n, redis.call('HGET', session, 's:' .. stream) }
`,
}

/**
 * Makes a connection the holder of a stream and reads the log after a position. Without one: the same holder again
 * starts where it did (its reply was lost); after another holder, which was handed everything, at the end; else after
 * the last number that a holder was handed.
 */
export const take: Script = {
  name: 'mcpTake',
  keys: 4,
  lua: `
local session, live, log, logs = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local stream, holder, after, tag, open = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
${OWN_END}${LAST}${FIRST}${TAG_AT}${WRITE_LOG}
if redis.call('EXISTS', session) == 0 then return { 'gone' } end
local top, ended = last(log)
local own = own_end(session, stream)
local owner = redis.call('HGET', live, 'o:' .. stream)
if not own and not owner and top == 0 then return { 'unknown' } end
top = own or top
local begin = first(log, top + 1)
local place = own and session or live
local previous = redis.call('HGET', place, 's:' .. stream)
if not after then
  after = top
  if not previous or previous == holder then after = tonumber(redis.call('HGET', place, 'p:' .. stream) or 0) end
  after = math.min(top, math.max(begin - 1, after))
end
if after > top then return { 'beyond' } end
if after < begin - 1 then return { 'trimmed' } end
local at = tag_at(log, after)
if tag ~= '' and at and at ~= tag then return { 'beyond' } end
redis.call('HSET', place, 's:' .. stream, holder, 'p:' .. stream, after)
if not own then redis.call('PEXPIRE', live, open) end
if not ended then keep(log, logs, stream, open, open) end
local entries = redis.call('XRANGE', log, '(' .. after .. '-0', '+')
local level = redis.call('HGET', session, 'level')
return { 'ok', entries, top, after, at or false, previous, owner, ended and 1 or 0, level }
`,
}

/** The heartbeat of a holder. */
export const look: Script = {
  name: 'mcpLook',
  keys: 4,
  lua: `
local session, live, log, logs = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local stream, holder, after, tag, lifetime, open = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
${OWN_END}${LAST}${FIRST}${TAG_AT}${WRITE_LOG}
if redis.call('EXISTS', session) == 0 then return { 'gone' } end
local top, ended = last(log)
local own = own_end(session, stream)
if redis.call('HGET', own and session or live, 's:' .. stream) ~= holder then return { 'moved' } end
local empty = top == 0
top = own or top
if after > top or after < first(log, top + 1) - 1 then return { 'moved' } end
local at = tag_at(log, after)
if tag ~= '' and at and at ~= tag then return { 'moved' } end
redis.call('PEXPIRE', session, lifetime)
redis.call('PEXPIRE', live, open)
if not ended then keep(log, logs, stream, open, open) end
local owner = redis.call('HGET', live, 'o:' .. stream)
local over = ended or (empty and not own and not owner)
return { 'ok', redis.call('XRANGE', log, '(' .. after .. '-0', '+'), owner, over and 1 or 0 }
`,
}

/** Gives a stream up. What the holder was handed is remembered while the stream may go on. */
export const release: Script = {
  name: 'mcpRelease',
  keys: 3,
  lua: `
local session, live, log = KEYS[1], KEYS[2], KEYS[3]
local stream, holder = ARGV[1], ARGV[2]
${OWN_END}${LAST}
if redis.call('EXISTS', session) == 0 then
  -- The session has ended, and this holder need not be told of it again.
  if redis.call('HGET', live, 's:' .. stream) == holder then redis.call('HDEL', live, 's:' .. stream) end
  return
end
local own = own_end(session, stream)
local place = own and session or live
if redis.call('HGET', place, 's:' .. stream) ~= holder then return end
redis.call('HDEL', place, 's:' .. stream)
if own or redis.call('HEXISTS', live, 'o:' .. stream) == 1 then
  redis.call('HSET', place, 'p:' .. stream, own or (last(log)))
else
  redis.call('HDEL', place, 'p:' .. stream)
end
`,
}

/**
 * Adds to the GET stream what the session is to be told of the list of changes, exactly once: the session must stand at
 * \`from\`, and stands at \`to\` afterwards. A repeat gets the entries that were added.
 */
export const advance: Script = {
  name: 'mcpAdvance',
  keys: 3,
  lua: `
local session, log, logs = KEYS[1], KEYS[2], KEYS[3]
local holder, tag, from, to, max, open = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local messages, max_bytes = tonumber(ARGV[7]), tonumber(ARGV[8]) -- then: messages; of each update its uri, its position and its message
${OWN_END}${WRITE_LOG}
local function before(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)%-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)%-(%d+)$')
  if tonumber(a_ms) ~= tonumber(b_ms) then return tonumber(a_ms) < tonumber(b_ms) end
  return tonumber(a_seq) < tonumber(b_seq)
end
local function added(first, top)
  if top < first then return {} end
  return redis.call('XRANGE', log, first .. '-0', top .. '-0')
end
local known = redis.call('HMGET', session, 's:get', 'pos', 'adv', 'advn')
if not known[2] then return { 'gone', {} } end
if known[1] ~= holder then return { 'moved', {} } end
local id = holder .. ' ' .. from .. ' ' .. to
if known[2] == to and known[3] == id then
  local first, top = string.match(known[4], '^(%d+) (%d+)$')
  return { 'ok', added(tonumber(first), tonumber(top)) }
end
if known[2] ~= from then return { 'moved', {} } end
local top = own_end(session, 'get')
local first = top + 1
for i = 9, 8 + messages do
  top = top + 1
  add(log, session, 'get', top, tag, { ARGV[i] }, false, max, max_bytes)
end
for i = 9 + messages, #ARGV, 3 do
  local since = redis.call('HGET', session, 'u:' .. ARGV[i])
  if since and before(since, ARGV[i + 1]) then
    top = top + 1
    add(log, session, 'get', top, tag, { ARGV[i + 2] }, false, max, max_bytes)
  end
end
if top >= first then keep(log, logs, 'get', open, open) end
redis.call('HSET', session, 'pos', to, 'adv', id, 'advn', first .. ' ' .. top, 'e:get', top)
return { 'ok', added(first, top) }
`,
}
