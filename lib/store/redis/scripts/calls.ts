/** Scripts on the calls of a session. */
import type { CallEntry, CallLook } from '../../calls.ts'
import { either, flag, list, nothing, number, oneOf, optional, text } from './decode.ts'
import { evenIfFull, FORGET_CALL, LAST, type RequestField, registerCall, WRITE_LOG } from './lua.ts'
import { EXTEND, HOLD, NOW } from './lua-first.ts'
import { SUSPENSION } from './lua-suspended.ts'
import { defineScript } from './script.ts'

export const registerLua = (request: RequestField): string => `${HOLD}${registerCall(request)}
local refused = register(session, live, log, mark, over, id, stream, owner, holder, request, maxCalls, markAge)
if refused then return { refused } end
count_request(held, sizes, live, stream, request, open, sessionBytes)
call('PEXPIRE', live, open)
return { 'ok', call('HEXISTS', live, 'x:' .. stream), call('HGET', session, 'level') }
`

export const readRegister = either(['lost', 'gone'], { cancelled: flag, level: optional })

/**
 * Registers a call.
 * Keys: the session; its live parts; the log; the mark of an early cancel; the end of the call; what the session keeps.
 * Arguments: the typed id; the stream; the owner; the holder; the request; how long the live parts live (ms); how many calls
 * and bytes the session may have; how old the mark may be (ms). Reply:
 * the status; 1 where the call is cancelled; the log level.
 */
export const register = defineScript('mcpRegister', {
  keys: ['session', 'live', 'log', 'mark', 'over', 'held', 'sizes'],
  texts: ['id', 'stream', 'owner', 'holder', 'request'],
  numbers: ['open', 'maxCalls', 'sessionBytes', 'markAge'],
  gone: "{ 'gone' }",
  reply: readRegister,
  lua: registerLua('r:'),
})

/** @param forget what else the script forgets */
export const endCallLua = (forget: string): string => `${LAST}${WRITE_LOG}${FORGET_CALL}
local holder = call('HGET', live, 's:' .. stream)
local before = call('GET', over)
if before and string.sub(before, 2) == owner then return { 'ok', tonumber(string.sub(before, 1, 1)), holder } end
if call('HGET', live, 'o:' .. stream) ~= owner then return { 'lost' } end
${evenIfFull('live', 'open')}local cancelled = call('HEXISTS', live, 'x:' .. stream)
local kept = 0
if not mark and last(log) == 0 then
  call('HDEL', live, 's:' .. stream, 'p:' .. stream)
  holder = false
elseif mark then
  local _, bytes = add(log, live, stream, last(log) + 1, '', { '' }, true, maxMessages, math.huge)
  kept = bytes
  keep(log, logs, held, sizes, stream, ended, open, live)
end
if call('HEXISTS', sizes, stream) == 1 then hold(held, sizes, stream, kept, ended, open) end
if #forget > 0 then hold(held, sizes, stream .. ' answers', 0, open, open) end
forget_call(live, stream, forget)
${forget}call('SET', over, cancelled .. owner, 'PX', endRepeat)
return { 'ok', cancelled, holder }
`

export const readEnd = either(['lost', 'gone'], { cancelled: flag, holder: optional })

/**
 * Ends a call without a message. The reply is kept for a while, for a repeat. Where nothing was logged and nothing is now,
 * nobody can resume the stream: its holder is forgotten too.
 * Keys: the session; its live parts; the log; the list of logs; the end of the call; what the session keeps. Arguments: the
 * stream; the owner; whether
 * the log gets an entry that ends it; how many messages the log keeps; how long an open log, an ended log and the end of the
 * call live (ms). Lists: asks to forget. Reply: the status; 1 where the call was cancelled; the holder.
 */
export const endCall = defineScript('mcpEndCall', {
  keys: ['session', 'live', 'log', 'logs', 'over', 'held', 'sizes'],
  texts: ['stream', 'owner'],
  numbers: ['maxMessages', 'open', 'ended', 'endRepeat'],
  flags: ['mark'],
  lists: ['forget'],
  gone: "{ 'gone' }",
  reply: readEnd,
  lua: endCallLua(''),
})

/** @param slide what else lives on */
export const lookCallLua = (slide: string): string => `${WRITE_LOG}${EXTEND}
if call('HGET', live, 'o:' .. stream) ~= owner then return { 'lost' } end
extend(session, lifetime, most)
call('PEXPIRE', live, open)
keep(log, logs, held, sizes, stream, open, open, live)
hold_on(held, sizes, stream .. ' answers', open, open)
${slide}local answers = {}
for i, ask in ipairs(asks) do answers[i] = call('HGET', live, 'v:' .. ask) end
return { 'ok', call('HEXISTS', live, 'x:' .. stream), call('HGET', session, 'level'), answers,
  call('HGET', live, 's:' .. stream), purge(held, sizes, 20), held_for(held) }
`

export function readLook(reply: unknown, asks: readonly string[]): CallLook {
  const [word, cancelled, level, values, holder, held, heldFor] = list(reply)
  const status = oneOf(word, ['ok', 'lost', 'gone'])
  if (status !== 'ok') return { status }
  const answers = new Map<string, string>()
  for (const [i, value] of list(values).entries()) if (value !== null) answers.set(asks[i] ?? '', text(value))
  const kept = { held: number(held), heldFor: number(heldFor) }
  return { status, cancelled: flag(cancelled), level: optional(level), answers, holder: optional(holder), ...kept }
}

/**
 * The heartbeat of a run.
 * Keys: the session; its live parts; the log; the list of logs; what the session keeps. Arguments: the stream; the owner; how long the session and an
 * open log live from now on (ms); how long the session lives in all (ms). Lists: asks. Reply: the status; 1 where the call is cancelled; the
 * log level; for each ask its answer or nil; the holder; the bytes that the session keeps, and for how many ms.
 */
export const lookCall = defineScript('mcpLookCall', {
  keys: ['session', 'live', 'log', 'logs', 'held', 'sizes'],
  texts: ['stream', 'owner'],
  numbers: ['lifetime', 'open', 'most'],
  lists: ['asks'],
  gone: "{ 'gone' }",
  reply: (reply, { asks }) => readLook(reply, asks),
  lua: lookCallLua(''),
})

/**
 * The calls of a session.
 * Keys: the session; its live parts. Reply: for each call its typed id, its stream, its owner, its holder, and 1
 * where it is suspended and nothing is due.
 */
export const calls = defineScript('mcpCalls', {
  keys: ['session', 'live'],
  gone: '{}',
  reply: (reply): CallEntry[] =>
    list(reply).map((call) => {
      const [id, stream, owner, holder, suspended] = list(call)
      const entry = { id: text(id), stream: text(stream), owner: text(owner), holder: optional(holder) }
      return suspended === 1 ? { ...entry, suspended: true } : entry
    }),
  lua: `${NOW}${SUSPENSION}
local found = {}
for _, field in ipairs(call('HKEYS', live)) do
  if string.sub(field, 1, 2) == 'o:' then
    local stream = string.sub(field, 3)
    local names = call('HMGET', live, 'i:' .. stream, field, 's:' .. stream)
    local suspended = names[2] == '' and suspension(live, stream) and 1
    table.insert(found, { names[1] or '', stream, names[2] or '', names[3], suspended })
  end
end
return found
`,
})

/**
 * Gives a call up: any run may claim it.
 * Keys: the session; its live parts. Arguments: the stream; the owner; how long the live parts live (ms). No reply.
 */
export const releaseCall = defineScript('mcpReleaseCall', {
  keys: ['session', 'live'],
  texts: ['stream', 'owner'],
  numbers: ['open'],
  gone: 'nil',
  reply: nothing,
  lua: `
if call('HGET', live, 'o:' .. stream) ~= owner then return end
${evenIfFull('live', 'open')}call('HSET', live, 'o:' .. stream, '')
`,
})
