/** Scripts on the calls of a session and their asks. */
import type { Script } from './script.ts'
import { FORGET, LAST, REGISTER_CALL, TAG_AT, WRITE_LOG } from './script.ts'

/** Registers a call. */
export const register: Script = {
  name: 'mcpRegister',
  keys: 5,
  lua: `
local session, live, log, mark, over = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, stream, owner, holder, request, open = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local max_calls = tonumber(ARGV[7])
${REGISTER_CALL}
if redis.call('EXISTS', session) == 0 then return { 'gone' } end
local level = redis.call('HGET', session, 'level')
local refused = register(live, log, mark, over, id, stream, owner, holder, request, max_calls)
if refused then return { refused, 0, level } end
redis.call('PEXPIRE', live, open)
return { 'ok', redis.call('HEXISTS', live, 'x:' .. stream), level }
`,
}

/**
 * Appends to the log of a call. In this order: a repeat of what this run has added is ok; the call registers, if that is
 * asked for; another run is shut out; a cancelled call adds nothing; numbers have no holes. The last message ends the
 * call in the same step.
 */
export const append: Script = {
  name: 'mcpAppend',
  keys: 6,
  lua: `
local session, live, log, logs, mark, over = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local stream, owner, from, tag, final = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5] == '1'
local max, open, ended_ttl = tonumber(ARGV[6]), ARGV[7], ARGV[8]
local registers, id, holder, request = ARGV[9] == '1', ARGV[10], ARGV[11], ARGV[12]
local messages, asks = tonumber(ARGV[13]), tonumber(ARGV[14])
local max_calls, max_bytes = tonumber(ARGV[15]), tonumber(ARGV[16]) -- then: messages, asks to open, asks to forget
local REST = 16
${REGISTER_CALL}${TAG_AT}${WRITE_LOG}${FORGET}
if redis.call('EXISTS', session) == 0 then return { 'gone' } end
local top = last(log)
local function reply(status)
  return { status, top, redis.call('HGET', live, 's:' .. stream), redis.call('HGET', session, 'level') }
end
local newest = from + messages - 1
if messages > 0 and newest <= top and tag_at(log, newest) == tag then return reply('ok') end
if registers then
  local refused = register(live, log, mark, over, id, stream, owner, holder, request, max_calls)
  if refused then return reply(refused) end
  redis.call('PEXPIRE', live, open)
end
if redis.call('HGET', live, 'o:' .. stream) ~= owner then return reply('lost') end
if redis.call('HEXISTS', live, 'x:' .. stream) == 1 then return reply('cancelled') end
if from > top + 1 then return reply('gap') end
if from <= top then return reply('lost') end
if messages > 0 then
  local added = {}
  for i = 1, messages do added[i] = ARGV[REST + i] end
  add(log, live, stream, from, tag, added, final, max, max_bytes)
  top = newest
end
keep(log, logs, stream, final and ended_ttl or open, open)
for i = REST + messages + 1, REST + messages + asks do redis.call('HSETNX', live, 'a:' .. ARGV[i], stream) end
if final then
  for i = REST + messages + asks + 1, #ARGV do redis.call('HDEL', live, 'a:' .. ARGV[i], 'v:' .. ARGV[i]) end
  forget(live, stream)
end
redis.call('PEXPIRE', live, open)
return reply('ok')
`,
}

/** Ends a call without a message. What it answered is kept for a while, for its repeat. */
export const endCall: Script = {
  name: 'mcpEndCall',
  keys: 5,
  lua: `
local session, live, log, logs, over = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local stream, owner, mark = ARGV[1], ARGV[2], ARGV[3] == '1'
local max, open, ended_ttl, repeat_ttl = tonumber(ARGV[4]), ARGV[5], ARGV[6], ARGV[7] -- then: asks to forget
${LAST}${WRITE_LOG}${FORGET}
if redis.call('EXISTS', session) == 0 then return { 'gone' } end
local holder = redis.call('HGET', live, 's:' .. stream)
local before = redis.call('GET', over)
if before and string.sub(before, 2) == owner then return { 'ok', tonumber(string.sub(before, 1, 1)), holder } end
if redis.call('HGET', live, 'o:' .. stream) ~= owner then return { 'lost' } end
local cancelled = redis.call('HEXISTS', live, 'x:' .. stream)
if mark then
  add(log, live, stream, last(log) + 1, '', { '' }, true, max, math.huge)
  keep(log, logs, stream, ended_ttl, open)
end
for i = 8, #ARGV do redis.call('HDEL', live, 'a:' .. ARGV[i], 'v:' .. ARGV[i]) end
forget(live, stream)
redis.call('PEXPIRE', live, open)
redis.call('SET', over, cancelled .. owner, 'PX', repeat_ttl)
return { 'ok', cancelled, holder }
`,
}

/** The heartbeat of a run. */
export const lookCall: Script = {
  name: 'mcpLookCall',
  keys: 4,
  lua: `
local session, live, log, logs = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local stream, owner, lifetime, open = ARGV[1], ARGV[2], ARGV[3], ARGV[4] -- then: asks
${WRITE_LOG}
if redis.call('EXISTS', session) == 0 then return { 'gone' } end
if redis.call('HGET', live, 'o:' .. stream) ~= owner then return { 'lost' } end
redis.call('PEXPIRE', session, lifetime)
redis.call('PEXPIRE', live, open)
keep(log, logs, stream, open, open)
local answers = {}
for i = 5, #ARGV do answers[i - 4] = redis.call('HGET', live, 'v:' .. ARGV[i]) end
return { 'ok', redis.call('HEXISTS', live, 'x:' .. stream), redis.call('HGET', session, 'level'), answers,
  redis.call('HGET', live, 's:' .. stream) }
`,
}

/** The streams of all calls, each with its owner. */
export const calls: Script = {
  name: 'mcpCalls',
  keys: 2,
  lua: `
local session, live = KEYS[1], KEYS[2]
if redis.call('EXISTS', session) == 0 then return {} end
local found = {}
for _, field in ipairs(redis.call('HKEYS', live)) do
  if string.sub(field, 1, 2) == 'o:' then
    table.insert(found, string.sub(field, 3))
    table.insert(found, redis.call('HGET', live, field))
  end
end
return found
`,
}

/** Takes a call over by compare and set. A claim that is this run's already is a repeat. */
export const claim: Script = {
  name: 'mcpClaim',
  keys: 3,
  lua: `
local session, live, log = KEYS[1], KEYS[2], KEYS[3]
local stream, expected, owner, open = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
${LAST}
if redis.call('EXISTS', session) == 0 then return { 'gone' } end
local current = redis.call('HGET', live, 'o:' .. stream)
if not current then return { 'over' } end
if current ~= expected and current ~= owner then return { 'lost' } end
redis.call('HSET', live, 'o:' .. stream, owner)
redis.call('PEXPIRE', live, open)
local cancelled = redis.call('HEXISTS', live, 'x:' .. stream)
local call = redis.call('HMGET', live, 'i:' .. stream, 'r:' .. stream)
return { 'ok', cancelled, (last(log)), call[1], call[2] }
`,
}

/** Lets anyone claim a call. */
export const releaseCall: Script = {
  name: 'mcpReleaseCall',
  keys: 2,
  lua: `
local session, live = KEYS[1], KEYS[2]
local stream, owner, open = ARGV[1], ARGV[2], ARGV[3]
if redis.call('EXISTS', session) == 0 then return end
if redis.call('HGET', live, 'o:' .. stream) ~= owner then return end
redis.call('HSET', live, 'o:' .. stream, '')
redis.call('PEXPIRE', live, open)
`,
}

/** Flags a call as cancelled for as long as it lives, or leaves a mark of seconds for one that may still register. */
export const cancel: Script = {
  name: 'mcpCancel',
  keys: 3,
  lua: `
local session, live, mark = KEYS[1], KEYS[2], KEYS[3]
local id, mark_ttl = ARGV[1], ARGV[2]
if redis.call('EXISTS', session) == 0 then return { false, false } end
local stream = redis.call('HGET', live, 'c:' .. id)
if not stream then
  redis.call('SET', mark, '1', 'PX', mark_ttl)
  return { false, false }
end
redis.call('HSET', live, 'x:' .. stream, '1')
return { redis.call('HGET', live, 'o:' .. stream), stream }
`,
}

/** Stores an answer by compare and set. Returns whether it is the one that is stored, and the owner to tell. */
export const answer: Script = {
  name: 'mcpAnswer',
  keys: 2,
  lua: `
local session, live = KEYS[1], KEYS[2]
local ask, value, open = ARGV[1], ARGV[2], ARGV[3]
if redis.call('EXISTS', session) == 0 then return { 0, false } end
local stream = redis.call('HGET', live, 'a:' .. ask)
local owner = stream and redis.call('HGET', live, 'o:' .. stream)
if not owner then return { 0, false } end
redis.call('HSETNX', live, 'v:' .. ask, value)
redis.call('PEXPIRE', live, open)
return { redis.call('HGET', live, 'v:' .. ask) == value and 1 or 0, owner }
`,
}

/** Ends the wait for an answer: one that came is returned and stays, so that a repeat gets it too. */
export const closeAsk: Script = {
  name: 'mcpCloseAsk',
  keys: 2,
  lua: `
local session, live = KEYS[1], KEYS[2]
local ask = ARGV[1]
if redis.call('EXISTS', session) == 0 then return false end
local value = redis.call('HGET', live, 'v:' .. ask)
if not value then redis.call('HDEL', live, 'a:' .. ask) end
return value
`,
}
