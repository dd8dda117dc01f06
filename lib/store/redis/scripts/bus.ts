/** Scripts on mail and on the list of changes. */
import { nothing, optional } from './decode.ts'
import { evenIfFull } from './lua.ts'
import { defineScript } from './script.ts'

/**
 * Writes the sign of life of an instance, also where Redis is full.
 * Keys: the sign. Arguments: its text; how long it lives (ms). Reply: the text that it replaces, or nil.
 */
export const up = defineScript('mcpUp', {
  keys: ['up'],
  texts: ['sign'],
  numbers: ['ttl'],
  reply: optional,
  lua: `
local before = call('GET', up)
${evenIfFull('up', 'ttl')}call('SET', up, sign, 'PX', ttl)
return before
`,
})

/**
 * Puts a message into a mailbox.
 * Keys: the mailbox. Arguments: the message; how many messages the mailbox keeps; how long it lives from now on (ms), also
 * where its instance is dead. No reply.
 */
export const send = defineScript('mcpSend', {
  keys: ['box'],
  texts: ['message'],
  numbers: ['max', 'mailbox'],
  reply: nothing,
  lua: `
call('XADD', box, 'MAXLEN', '~', max, '*', 'm', message)
call('PEXPIRE', box, mailbox)
`,
})

/**
 * Adds to the list of changes and removes the oldest.
 * Keys: the list; the position of the newest change that was removed. Arguments: the change; how many the list keeps; how
 * long both live (ms). No reply.
 */
export const publish = defineScript('mcpPublish', {
  keys: ['changes', 'trimmed'],
  texts: ['change'],
  numbers: ['maxChanges', 'longest'],
  reply: nothing,
  lua: `
call('XADD', changes, '*', 'c', change)
local over = call('XLEN', changes) - maxChanges
if over > 0 then
  local lost = call('XRANGE', changes, '-', '+', 'COUNT', over)
  call('SET', trimmed, lost[#lost][1])
  call('XTRIM', changes, 'MAXLEN', maxChanges)
end
call('PEXPIRE', changes, longest)
call('PEXPIRE', trimmed, longest)
`,
})
