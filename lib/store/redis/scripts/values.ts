/** Scripts on values and on counts for limits. */
import { flag, number } from './decode.ts'
import { NOW } from './lua-first.ts'
import { defineScript } from './script.ts'

/**
 * Sets a value where there is none.
 * Keys: the value. Arguments: its text; how long it lives (ms). Reply: 1 where it was set or is the same, which a repeat
 * finds; else 0.
 */
export const addValue = defineScript('mcpAddValue', {
  keys: ['entry'],
  texts: ['value'],
  numbers: ['lifetime'],
  reply: (reply): { status: 'ok' | 'taken' } => ({ status: flag(reply) ? 'ok' : 'taken' }),
  lua: `
local present = call('GET', entry)
if present then return present == value and 1 or 0 end
call('SET', entry, value, 'PX', lifetime)
return 1
`,
})

/**
 * Adds to a count.
 * Keys: the count. Arguments: how much to add; how long the count lives from now on (ms). Reply: the count.
 */
export const count = defineScript('mcpCount', {
  keys: ['count'],
  numbers: ['n', 'lifetime'],
  reply: number,
  lua: `
local total = call('INCRBY', count, n)
call('PEXPIRE', count, lifetime)
return total
`,
})

/**
 * Counts a member for a while, and removes members whose time is over.
 * Keys: the members. Arguments: the member ('' changes nothing); for how many ms it counts (0 removes it). Reply: how many
 * members there are.
 */
export const occupy = defineScript('mcpOccupy', {
  keys: ['busy'],
  texts: ['member'],
  numbers: ['lifetime'],
  reply: number,
  lua: `${NOW}
call('ZREMRANGEBYSCORE', busy, '-inf', now())
if member ~= '' and lifetime > 0 then
  call('ZADD', busy, now() + lifetime, member)
  if call('PTTL', busy) < lifetime then call('PEXPIRE', busy, lifetime) end
elseif member ~= '' then
  call('ZREM', busy, member)
end
return call('ZCARD', busy)
`,
})
