/** Scripts on values. */
import { flag } from './decode.ts'
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
