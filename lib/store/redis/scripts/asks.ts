/** Scripts on asks. */
import type { AnswerReply } from '../../asks.ts'
import { COUNTED } from '../../options.ts'
import { flag, list, optional, text } from './decode.ts'
import { HOLD } from './lua-first.ts'
import { defineScript } from './script.ts'

/**
 * Stores an answer by compare and set.
 * Keys: the session; its live parts; what the session keeps. Arguments: the ask; the answer; how long the live parts live (ms);
 * how many bytes the session may keep. Reply: 1 where this answer is the one that is stored, 2 where the session keeps as
 * much as it may; the owner of the call, nil where the ask is not pending.
 */
export const answer = defineScript('mcpAnswer', {
  keys: ['session', 'live', 'held', 'sizes'],
  texts: ['ask', 'value'],
  numbers: ['open', 'sessionBytes'],
  gone: '{ 0, false }',
  reply(reply): AnswerReply {
    const [stored, owner] = list(reply)
    if (stored === 2) return { status: 'full' }
    return owner === null ? { status: 'unknown' } : { status: flag(stored) ? 'ok' : 'late', owner: text(owner) }
  },
  lua: `${HOLD}
local stream = call('HGET', live, 'a:' .. ask)
local owner = stream and call('HGET', live, 'o:' .. stream)
if not owner then return { 0, false } end
if #value >= ${COUNTED} and call('HEXISTS', live, 'v:' .. ask) == 0 then
  if purge(held, sizes, 1000) + #value > sessionBytes then return { 2, owner } end
  local part = stream .. ' answers'
  hold(held, sizes, part, (call('HGET', sizes, part) or 0) + #value, open, open)
end
call('HSETNX', live, 'v:' .. ask, value)
call('PEXPIRE', live, open)
return { call('HGET', live, 'v:' .. ask) == value and 1 or 0, owner }
`,
})

/**
 * Ends the wait for an answer. An answer that has arrived stays, so that a repeat gets it too.
 * Keys: the session; its live parts. Arguments: the ask. Reply: the answer or nil.
 */
export const closeAsk = defineScript('mcpCloseAsk', {
  keys: ['session', 'live'],
  texts: ['ask'],
  gone: 'false',
  reply: optional,
  lua: `
local value = call('HGET', live, 'v:' .. ask)
if not value then call('HDEL', live, 'a:' .. ask) end
return value
`,
})
