/** Scripts on the calls of a session. */
import type { AppendReply, CallEntry, CallLook, CancelReply } from '../../calls.ts'
import { MAX_MARKS } from '../../options.ts'
import { either, flag, list, nothing, number, oneOf, optional, text, texts } from './decode.ts'
import { evenIfFull, FORGET_CALL, LAST, REGISTER_CALL, TAG_AT, WRITE_LOG } from './lua.ts'
import { EXTEND, HOLD, NOW } from './lua-first.ts'
import { defineScript } from './script.ts'

/** Bytes of a last message that is taken although Redis is full. */
const SHORT = 4_096

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
  reply: either(['lost', 'gone'], { cancelled: flag, level: optional }),
  lua: `${HOLD}${REGISTER_CALL}
local refused = register(session, live, log, mark, over, id, stream, owner, holder, request, maxCalls, markAge)
if refused then return { refused } end
count_request(held, sizes, live, stream, request, open, sessionBytes)
call('PEXPIRE', live, open)
return { 'ok', call('HEXISTS', live, 'x:' .. stream), call('HGET', session, 'level') }
`,
})

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
  reply(reply): AppendReply {
    const [word, end, holder, level, held, heldFor] = list(reply)
    const status = oneOf(word, ['ok', 'lost', 'cancelled', 'gap', 'gone'])
    const kept = { held: number(held), heldFor: number(heldFor) }
    return { status, end: number(end), holder: optional(holder), level: optional(level), ...kept }
  },
  lua: `${WRITE_LOG}${REGISTER_CALL}${TAG_AT}${FORGET_CALL}
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
if from > top + 1 then return reply('gap') end
if from <= top then return reply('lost') end
if #messages > 0 then
  local before, bytes = add(log, live, stream, from, tag, messages, final, maxMessages, maxBytes)
  if final or is_step(before, bytes) then
    local more, ttl = 0, ended
    if not final then more, ttl = call('HSTRLEN', live, 'r:' .. stream), open end
    bound(held, sizes, session, live, log, stream, bytes, more, ttl, open, sessionBytes)
  end
  top = newest
end
keep(log, logs, held, sizes, stream, final and ended or open, open, live)
for _, ask in ipairs(asks) do call('HSETNX', live, 'a:' .. ask, stream) end
if final then
  if #forget > 0 then hold(held, sizes, stream .. ' answers', 0, open, open) end
  forget_call(live, stream, forget)
end
call('PEXPIRE', live, open)
return reply('ok')
`,
})

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
  reply: either(['lost', 'gone'], { cancelled: flag, holder: optional }),
  lua: `${LAST}${WRITE_LOG}${FORGET_CALL}
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
call('SET', over, cancelled .. owner, 'PX', endRepeat)
return { 'ok', cancelled, holder }
`,
})

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
  reply(reply, { asks }): CallLook {
    const [word, cancelled, level, values, holder, held, heldFor] = list(reply)
    const status = oneOf(word, ['ok', 'lost', 'gone'])
    if (status !== 'ok') return { status }
    const answers = new Map<string, string>()
    for (const [i, value] of list(values).entries()) if (value !== null) answers.set(asks[i] ?? '', text(value))
    const kept = { held: number(held), heldFor: number(heldFor) }
    return { status, cancelled: flag(cancelled), level: optional(level), answers, holder: optional(holder), ...kept }
  },
  lua: `${WRITE_LOG}${EXTEND}
if call('HGET', live, 'o:' .. stream) ~= owner then return { 'lost' } end
extend(session, lifetime, most)
call('PEXPIRE', live, open)
keep(log, logs, held, sizes, stream, open, open, live)
hold_on(held, sizes, stream .. ' answers', open, open)
local answers = {}
for i, ask in ipairs(asks) do answers[i] = call('HGET', live, 'v:' .. ask) end
return { 'ok', call('HEXISTS', live, 'x:' .. stream), call('HGET', session, 'level'), answers,
  call('HGET', live, 's:' .. stream), purge(held, sizes, 20), held_for(held) }
`,
})

/**
 * The calls of a session.
 * Keys: the session; its live parts. Reply: for each call its typed id, its stream, its owner and its holder.
 */
export const calls = defineScript('mcpCalls', {
  keys: ['session', 'live'],
  gone: '{}',
  reply: (reply): CallEntry[] =>
    list(reply).map((call) => {
      const [id, stream, owner, holder] = list(call)
      return { id: text(id), stream: text(stream), owner: text(owner), holder: optional(holder) }
    }),
  lua: `
local found = {}
for _, field in ipairs(call('HKEYS', live)) do
  if string.sub(field, 1, 2) == 'o:' then
    local stream = string.sub(field, 3)
    local names = call('HMGET', live, 'i:' .. stream, field, 's:' .. stream)
    table.insert(found, { names[1] or '', stream, names[2] or '', names[3] })
  end
end
return found
`,
})

/**
 * Takes a call over by compare and set. A claim that this run has made before is a repeat.
 * Keys: the session; its live parts; the log. Arguments: the stream; the owner that the call must have; the new owner; how
 * long the live parts live (ms). Reply: the status; 1 where the call is cancelled; the number of the last entry; the typed
 * id; the request; the asks.
 */
export const claim = defineScript('mcpClaim', {
  keys: ['session', 'live', 'log'],
  texts: ['stream', 'expected', 'owner'],
  numbers: ['open'],
  gone: "{ 'gone' }",
  reply: either(['lost', 'over', 'gone'], {
    cancelled: flag,
    end: number,
    id: optional,
    request: optional,
    asks: texts,
  }),
  lua: `${LAST}
local current = call('HGET', live, 'o:' .. stream)
if not current then return { 'over' } end
if current ~= expected and current ~= owner then return { 'lost' } end
${evenIfFull('live', 'open')}call('HSET', live, 'o:' .. stream, owner)
local asks = {}
for _, field in ipairs(call('HKEYS', live)) do
  if string.sub(field, 1, 2) == 'a:' and call('HGET', live, field) == stream then
    table.insert(asks, string.sub(field, 3))
  end
end
local cancelled = call('HEXISTS', live, 'x:' .. stream)
local known = call('HMGET', live, 'i:' .. stream, 'r:' .. stream)
return { 'ok', cancelled, (last(log)), known[1], known[2], asks }
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

/**
 * Cancels a call for as long as it lives, or leaves a mark of some seconds for a call that may still register. Where several
 * calls have the id, one of them: the newest while it runs, then another. A repeat finds the same one.
 * A session has so many marks at once: a cancel beyond them leaves none, and the call that it concerns has its response.
 * Keys: the session; its live parts; the mark; the number of marks. Arguments: the typed id; how long the mark lives (ms). Reply: the owner and the
 * stream of the call, both nil where there is no such call.
 */
export const cancel = defineScript('mcpCancel', {
  keys: ['session', 'live', 'mark', 'marks'],
  texts: ['id'],
  numbers: ['cancelMark'],
  gone: '{ false, false }',
  reply(reply): CancelReply {
    const [owner, stream] = list(reply)
    return stream === null
      ? { status: 'unknown' }
      : { status: 'ok', owner: optional(owner) ?? '', stream: text(stream) }
  },
  lua: `${NOW}
local stream = call('HGET', live, 'c:' .. id)
if not stream then
  for _, field in ipairs(call('HKEYS', live)) do
    local name = string.sub(field, 1, 2) == 'i:' and string.sub(field, 3)
    if name and (not stream or name < stream) and call('HGET', live, field) == id then stream = name end
  end
end
if not stream then
  local count = call('INCR', marks)
  if count == 1 then call('PEXPIRE', marks, cancelMark) end
  if count <= ${MAX_MARKS} then call('SET', mark, now(), 'PX', cancelMark) end
  return { false, false }
end
-- Not refused where Redis is full, and then HSET is not either.
call('HDEL', live, 'x:' .. stream)
call('HSET', live, 'x:' .. stream, '1')
return { call('HGET', live, 'o:' .. stream), stream }
`,
})
