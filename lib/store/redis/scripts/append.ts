/** The script that appends to the log of a call. */
import type { AppendReply } from '../../calls.ts'
import { list, number, oneOf, optional } from './decode.ts'
import { evenIfFull, FORGET_CALL, type RequestField, registerCall, TAG_AT, WRITE_LOG } from './lua.ts'
import { defineScript } from './script.ts'

/** Bytes of a last message that is taken although Redis is full. */
const SHORT = 4_096

interface Parts {
  request: RequestField
  /** Makes the call what the script takes it for. */
  upgrade: string
  /** Lets the asks become pending. */
  open: string
  /** What else the end of the call forgets. */
  forget: string
}

export const appendLua = ({
  request,
  upgrade,
  open,
  forget,
}: Parts): string => `${WRITE_LOG}${registerCall(request)}${TAG_AT}${FORGET_CALL}
local top = last(log)
local function reply(status)
  local kept = tonumber(call('HGET', sizes, '') or 0)
  local level = call('HGET', session, 'level')
  return { status, top, call('HGET', live, 's:' .. stream), level, kept, held_for(held) }
end
local newest = from + #messages - 1
if final and #messages == 1 and #messages[1] <= ${SHORT} then ${evenIfFull('live', 'open')}end
if #messages > 0 and newest <= top and tag_at(log, newest) == tag then return reply('ok') end
if registers then
  local refused = register(session, live, log, mark, over, id, stream, owner, holder, request, maxCalls, markAge)
  if refused then return reply(refused) end
  count_request(held, sizes, live, stream, request, open, sessionBytes)
  call('PEXPIRE', live, open)
end
if call('HGET', live, 'o:' .. stream) ~= owner then return reply('lost') end
if call('HEXISTS', live, 'x:' .. stream) == 1 then return reply('cancelled') end
${upgrade}if from > top + 1 then return reply('gap') end
if from <= top then return reply('lost') end
if #messages > 0 then
  local before, bytes = add(log, live, stream, from, tag, messages, final, maxMessages, maxBytes)
  if final or is_step(before, bytes) then
    local more, ttl = 0, ended
    if not final then more, ttl = call('HSTRLEN', live, '${request}' .. stream), open end
    bound(held, sizes, session, live, log, stream, bytes, more, ttl, open, sessionBytes)
  end
  top = newest
end
keep(log, logs, held, sizes, stream, final and ended or open, open, live)
${open}if final then
  if #forget > 0 then hold(held, sizes, stream .. ' answers', 0, open, open) end
  forget_call(live, stream, forget)
${forget}end
call('PEXPIRE', live, open)
return reply('ok')
`

export function readAppend(reply: unknown): AppendReply {
  const [word, end, holder, level, held, heldFor] = list(reply)
  const status = oneOf(word, ['ok', 'lost', 'cancelled', 'gap', 'gone'])
  const kept = { held: number(held), heldFor: number(heldFor) }
  return { status, end: number(end), holder: optional(holder), level: optional(level), ...kept }
}

const OPEN = `for _, ask in ipairs(asks) do call('HSETNX', live, 'a:' .. ask, stream) end
`

/**
 * Appends to the log of a call. In this order: a repeat of what this run has added is ok; the call registers, where that is
 * asked for; another run is refused; a cancelled call adds nothing; numbers have no holes. The last message ends the call
 * in the same step, and a short one is taken although Redis is full: the call's fields are freed, and its client has an end.
 * Keys: the session; its live parts; the log; the list of logs; the mark of an early cancel; the end of the call.
 * Arguments: the stream; the owner; the number of the first message; the tag; whether the last message ends the stream; how
 * many messages and bytes the log keeps; how long an open and an ended log live (ms); how many bytes the session may keep;
 * whether to register the call, with its typed id, holder, request, how many calls the session may have and how old the mark may be (ms). Lists: the messages; asks that become pending; asks to
 * forget. Reply: the status; the number of the last entry; the holder; the log level; the bytes that the session keeps, and for
 * how many ms.
 */
export const append = defineScript('mcpAppend', {
  keys: ['session', 'live', 'log', 'logs', 'mark', 'over', 'held', 'sizes'],
  texts: ['stream', 'owner', 'tag', 'id', 'holder', 'request'],
  numbers: ['from', 'maxMessages', 'maxBytes', 'open', 'ended', 'maxCalls', 'sessionBytes', 'markAge'],
  flags: ['final', 'registers'],
  lists: ['messages', 'asks', 'forget'],
  gone: "{ 'gone' }",
  reply: readAppend,
  lua: appendLua({ request: 'r:', upgrade: '', open: OPEN, forget: '' }),
})
