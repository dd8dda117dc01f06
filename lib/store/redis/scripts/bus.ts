/** Scripts on what instances tell each other, on the list of changes, and on values. */
import type { Script } from './script.ts'

/** Puts a message into a mailbox, whose lifetime begins again: it may belong to a dead instance. */
export const send: Script = {
  name: 'mcpSend',
  keys: 1,
  lua: `
local box = KEYS[1]
local message, max, ttl = ARGV[1], ARGV[2], ARGV[3]
redis.call('XADD', box, 'MAXLEN', '~', max, '*', 'm', message)
redis.call('PEXPIRE', box, ttl)
`,
}

/** Adds to the list of changes, keeps the newest, and remembers the last one that it lost. */
export const publish: Script = {
  name: 'mcpPublish',
  keys: 2,
  lua: `
local changes, trimmed = KEYS[1], KEYS[2]
local change, max, ttl = ARGV[1], tonumber(ARGV[2]), ARGV[3]
redis.call('XADD', changes, '*', 'c', change)
local over = redis.call('XLEN', changes) - max
if over > 0 then
  local lost = redis.call('XRANGE', changes, '-', '+', 'COUNT', over)
  redis.call('SET', trimmed, lost[#lost][1])
  redis.call('XTRIM', changes, 'MAXLEN', max)
end
redis.call('PEXPIRE', changes, ttl)
redis.call('PEXPIRE', trimmed, ttl)
`,
}

/** Sets a value if there is none. The same value again is a repeat. */
export const addValue: Script = {
  name: 'mcpAddValue',
  keys: 1,
  lua: `
local key = KEYS[1]
local value, ttl = ARGV[1], ARGV[2]
local present = redis.call('GET', key)
if present then return present == value and 1 or 0 end
redis.call('SET', key, value, 'PX', ttl)
return 1
`,
}
