/** Scripts on what limits are counted by. */
import type { Script } from './script.ts'
import { NOW } from './script.ts'

/** Adds to a count. */
export const count: Script = {
  name: 'mcpCount',
  keys: 1,
  lua: `
local key = KEYS[1]
local n, lifetime = ARGV[1], ARGV[2]
local total = redis.call('INCRBY', key, n)
redis.call('PEXPIRE', key, lifetime)
return total
`,
}

/** Counts a member for a while, or no longer. Those whose time is over are forgotten by the way. */
export const occupy: Script = {
  name: 'mcpOccupy',
  keys: 1,
  lua: `
local key = KEYS[1]
local member, lifetime = ARGV[1], tonumber(ARGV[2])
${NOW}
redis.call('ZREMRANGEBYSCORE', key, '-inf', now())
if member ~= '' and lifetime > 0 then
  redis.call('ZADD', key, now() + lifetime, member)
  if redis.call('PTTL', key) < lifetime then redis.call('PEXPIRE', key, lifetime) end
elseif member ~= '' then
  redis.call('ZREM', key, member)
end
return redis.call('ZCARD', key)
`,
}
