/** Scripts on a session's record and on what hangs on it. */
import type { Script } from './script.ts'
import { NOW } from './script.ts'

/**
 * The position in the list of changes that stands for the present moment: whatever is published in this very
 * millisecond is later. In a cluster the list lives on another node, whose clock may be behind: `slack` ms allow for
 * that, and a session may be told of a change from just before it.
 */
const PRESENT = `${NOW}
local function present(slack) return (now() - slack) .. '-0' end
`

/** Writes a new session. Repeated, it changes nothing. */
export const createSession: Script = {
  name: 'mcpCreateSession',
  keys: 2,
  lua: `
local session, live = KEYS[1], KEYS[2]
local record, lifetime, slack = ARGV[1], ARGV[2], ARGV[3]
${PRESENT}
if redis.call('EXISTS', session, live) > 0 then
  if redis.call('EXISTS', session) == 1 then return end
  redis.call('DEL', live)
end
redis.call('HSET', session, 'rec', record, 'pos', present(slack))
redis.call('PEXPIRE', session, lifetime)
`,
}

/** Has a session that exists live for so long, and writes when that was. */
export const slide: Script = {
  name: 'mcpSlide',
  keys: 1,
  lua: `
local session = KEYS[1]
local lifetime, now = ARGV[1], ARGV[2]
if redis.call('EXISTS', session) == 0 then return end
redis.call('HSET', session, 'at', now)
redis.call('PEXPIRE', session, lifetime)
`,
}

/** Sets a field of a session that exists; without a value, removes it. */
export const setField: Script = {
  name: 'mcpSetField',
  keys: 1,
  lua: `
local session = KEYS[1]
local field, value = ARGV[1], ARGV[2]
if redis.call('EXISTS', session) == 0 then return 0 end
if value then redis.call('HSET', session, field, value) else redis.call('HDEL', session, field) end
return 1
`,
}

/** Sets the level; returns the owners of the calls, who do not know it yet. */
export const setLevel: Script = {
  name: 'mcpSetLevel',
  keys: 2,
  lua: `
local session, live = KEYS[1], KEYS[2]
local level = ARGV[1]
if redis.call('EXISTS', session) == 0 then return false end
redis.call('HSET', session, 'level', level)
local owners = {}
for _, field in ipairs(redis.call('HKEYS', live)) do
  if string.sub(field, 1, 2) == 'o:' then
    local owner = redis.call('HGET', live, field)
    if owner ~= '' then table.insert(owners, owner) end
  end
end
return owners
`,
}

/** Subscribes to a URI from now on, if it is not subscribed. Returns the holder of the GET stream, or '', or 0: full. */
export const subscribe: Script = {
  name: 'mcpSubscribe',
  keys: 1,
  lua: `
local session = KEYS[1]
local field, slack, max = 'u:' .. ARGV[1], ARGV[2], tonumber(ARGV[3])
${PRESENT}
if redis.call('EXISTS', session) == 0 then return false end
if redis.call('HEXISTS', session, field) == 0 then
  if tonumber(redis.call('HGET', session, 'us') or 0) >= max then return 0 end
  redis.call('HSET', session, field, present(slack))
  redis.call('HINCRBY', session, 'us', 1)
end
return redis.call('HGET', session, 's:get') or ''
`,
}

/** Ends a subscription. Returns the holder of the GET stream, or ''. */
export const unsubscribe: Script = {
  name: 'mcpUnsubscribe',
  keys: 1,
  lua: `
local session = KEYS[1]
local uri = ARGV[1]
if redis.call('EXISTS', session) == 0 then return false end
if redis.call('HDEL', session, 'u:' .. uri) == 1 then redis.call('HINCRBY', session, 'us', -1) end
return redis.call('HGET', session, 's:get') or ''
`,
}

/**
 * Ends a session. What is left of \`live\` is whom to tell, for a short while: a repeat, whose first reply was lost,
 * finds them too. Returns whether there was a session, the holders, the owners, and the streams whose logs are to go.
 */
export const deleteSession: Script = {
  name: 'mcpDeleteSession',
  keys: 3,
  lua: `
local session, live, logs = KEYS[1], KEYS[2], KEYS[3]
local after_delete = ARGV[1]
local existed = redis.call('EXISTS', session)
if existed == 1 then
  for _, field in ipairs(redis.call('HKEYS', live)) do
    local kind = string.sub(field, 1, 2)
    if kind ~= 's:' and kind ~= 'o:' then redis.call('HDEL', live, field) end
  end
  for _, field in ipairs(redis.call('HKEYS', session)) do
    if string.sub(field, 1, 2) == 's:' then
      redis.call('HSET', live, field, redis.call('HGET', session, field))
    end
  end
  redis.call('UNLINK', session)
  redis.call('PEXPIRE', live, after_delete)
  redis.call('PEXPIRE', logs, after_delete)
end
local holders, owners = {}, {}
local left = redis.call('HGETALL', live)
for i = 1, #left, 2 do
  if string.sub(left[i], 1, 2) == 's:' then table.insert(holders, left[i + 1])
  elseif left[i + 1] ~= '' then table.insert(owners, left[i + 1]) end
end
return { existed, holders, owners, redis.call('ZRANGE', logs, 0, -1) }
`,
}

/**
 * Counts a session under its principal. Returns nothing where there is room (or the session is counted already), else
 * the sessions that may have gone: those that have, unless a read slid their lifetime.
 */
export const admit: Script = {
  name: 'mcpAdmit',
  keys: 1,
  lua: `
local own = KEYS[1]
local session, max, lifetime, longest = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
${NOW}
if not redis.call('ZSCORE', own, session) then
  if redis.call('ZCARD', own) >= max then return redis.call('ZRANGEBYSCORE', own, '-inf', now()) end
  redis.call('ZADD', own, now() + lifetime, session)
end
redis.call('PEXPIRE', own, longest)
return false
`,
}

/** Corrects the list of a principal's sessions by what each of them has left to live (0 or less: it is gone). */
export const recount: Script = {
  name: 'mcpRecount',
  keys: 1,
  lua: `
local own = KEYS[1]
${NOW}
for i = 1, #ARGV, 2 do
  local session, left = ARGV[i], tonumber(ARGV[i + 1])
  if left > 0 then redis.call('ZADD', own, 'XX', now() + left, session) else redis.call('ZREM', own, session) end
end
`,
}
