/** Scripts on asks. */
import type { AnswerReply } from '../../asks.ts'
import { TIMED_OUT } from '../../journal.ts'
import { COUNTED } from '../../options.ts'
import { flag, list, optional, text } from './decode.ts'
import { LAST } from './lua.ts'
import { HOLD, NOW } from './lua-first.ts'
import { COPIES, LONGER, TAKE } from './lua-suspended.ts'
import { defineScript } from './script.ts'
import { readClaim } from './takeover.ts'

/** The call is suspended, or was until this taker claimed it: {@link answerSuspended} has the keys of its stream. */
interface Suspended {
  status: 'suspended'
  stream: string
}

/** `store_answer(owner)`: stores the answer to an ask of `stream`; the reply, where the session keeps as much as it may. */
const STORE_ANSWER = `
local function store_answer(stream)
  if #value >= ${COUNTED} and call('HEXISTS', live, 'v:' .. ask) == 0 then
    if purge(held, sizes, 1000) + #value > sessionBytes then return { 2, '' } end
    local part = stream .. ' answers'
    hold(held, sizes, part, (call('HGET', sizes, part) or 0) + #value, open, open)
  end
  call('HSETNX', live, 'v:' .. ask, value)
end
`

/** Whether the answer that is stored is this one. */
const IS_STORED = `call('HGET', live, 'v:' .. ask) == value and 1 or 0`

/**
 * Stores an answer by compare and set, unless the call is suspended.
 * Keys: the session; its live parts; what the session keeps; the copies of suspended calls. Arguments: the ask; the answer; the run
 * that would take the call ('': none); how long the live parts live (ms); how many bytes the session may keep. Reply: 1 where this
 * answer is the one that is stored, 2 where the session keeps as much as it may, 3 where nothing was done, since the call is suspended
 * or the taker has it; the owner of the call, nil where the ask is not pending; the stream in the third case.
 */
export const answer = defineScript('mcpAnswer', {
  keys: ['session', 'live', 'held', 'sizes', 'suspended'],
  texts: ['ask', 'value', 'taker'],
  numbers: ['open', 'sessionBytes'],
  gone: '{ 0, false }',
  reply(reply): AnswerReply | Suspended {
    const [stored, owner, stream] = list(reply)
    if (stored === 2) return { status: 'full' }
    if (stored === 3) return { status: 'suspended', stream: text(stream) }
    return owner === null ? { status: 'unknown' } : { status: flag(stored) ? 'ok' : 'late', owner: text(owner) }
  },
  lua: `${HOLD}${COPIES}${STORE_ANSWER}
local stream = call('HGET', live, 'a:' .. ask)
if not stream and restore(live, suspended) then stream = call('HGET', live, 'a:' .. ask) end
local owner = stream and call('HGET', live, 'o:' .. stream)
if not owner then return { 0, false } end
if (owner == '' and call('HEXISTS', live, 'z:' .. stream) == 1) or (taker ~= '' and owner == taker) then
  return { 3, owner, stream }
end
local full = store_answer(stream)
if full then return full end
call('PEXPIRE', live, open)
return { ${IS_STORED}, owner }
`,
})

/**
 * As \`answer\`, of a call that is suspended. In the same step the taker becomes its owner, where it waits for this ask.
 * Keys: the session; its live parts; the log; what the session keeps; the journal; the copies of suspended calls. Arguments: the
 * stream; the ask; the answer; the taker; how long the live parts live (ms); how many bytes the session may keep. Reply: as
 * \`answer\`; what a claim replies, where the taker has the call.
 */
export const answerSuspended = defineScript('mcpAnswerSuspended', {
  keys: ['session', 'live', 'log', 'held', 'sizes', 'jrn', 'suspended'],
  texts: ['stream', 'ask', 'value', 'taker'],
  numbers: ['open', 'sessionBytes'],
  gone: '{ 0, false }',
  reply(reply, { stream }): AnswerReply {
    const [stored, owner, taken] = list(reply)
    if (stored === 2) return { status: 'full' }
    if (owner === null) return { status: 'unknown' }
    const answered = { status: flag(stored) ? ('ok' as const) : ('late' as const), owner: text(owner) }
    return taken === null ? answered : { ...answered, taken: { ...readClaim(taken), stream } }
  },
  lua: `${HOLD}${LAST}${LONGER}${COPIES}${TAKE}${STORE_ANSWER}
local owner = call('HGET', live, 'a:' .. ask) == stream and call('HGET', live, 'o:' .. stream)
if not owner then return { 0, false } end
local full = store_answer(stream)
if full then return full end
local stored = ${IS_STORED}
if call('HEXISTS', suspended, stream .. ' o:' .. stream) == 1 then
  call('HSETNX', suspended, stream .. ' v:' .. ask, value)
end
local asks = string.match(call('HGET', live, 'z:' .. stream) or '', '^%d+ %d+ (.*)$')
local waits = owner == '' and asks and string.find(' ' .. asks .. ' ', ' ' .. ask .. ' ', 1, true)
if taker ~= '' and (waits or owner == taker) then return { stored, taker, take(stream, taker) } end
return { stored, owner, false }
`,
})

/**
 * Ends the wait for an answer. An answer that has arrived stays, so that a repeat gets it too. An ask with a deadline stays pending
 * before it.
 * Keys: the session; its live parts. Arguments: the ask. Reply: the answer or nil.
 */
export const closeAsk = defineScript('mcpCloseAsk', {
  keys: ['session', 'live'],
  texts: ['ask'],
  gone: 'false',
  reply: optional,
  lua: `${NOW}
local value = call('HGET', live, 'v:' .. ask)
if value then return value end
local deadline = call('HGET', live, 't:' .. ask)
if not deadline then
  call('HDEL', live, 'a:' .. ask)
elseif tonumber(deadline) <= now() and call('HEXISTS', live, 'a:' .. ask) == 1 then
  call('HSET', live, 'v:' .. ask, '${TIMED_OUT}')
  return '${TIMED_OUT}'
end
return false
`,
})
