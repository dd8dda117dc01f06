/** Scripts on calls that another run goes on with, or that nobody runs. */
import type { CancelReply, ClaimReply } from '../../calls.ts'
import type { Journal, Taken } from '../../journal.ts'
import { MAX_MARKS } from '../../options.ts'
import { flag, list, number, oneOf, optional, text, texts } from './decode.ts'
import { evenIfFull, FORGET_CALL, LAST, WRITE_LOG } from './lua.ts'
import { NOW } from './lua-first.ts'
import { ASKS_OF, COPIES, FORGET_DURABLE, LONGER, SUSPENSION, TAKE } from './lua-suspended.ts'
import { defineScript } from './script.ts'

/** Reads what the Lua function `take` returns. */
export function readClaim(reply: unknown): Omit<Taken, 'stream'> {
  const [, cancelled, end, id, request, asks, ...journal] = list(reply)
  const ids = texts(asks)
  const claimed = {
    cancelled: flag(cancelled),
    end: number(end),
    id: optional(id),
    request: optional(request),
    asks: ids,
  }
  return { status: 'ok', ...claimed, ...(journal.length > 0 && { journal: readJournal(ids, journal) }) }
}

function readJournal(ids: string[], [values, dues, entries, said, slept]: unknown[]): Journal {
  const [given, left] = [list(values), list(dues)]
  const answers = new Map(ids.flatMap((id, i) => (given[i] === null ? [] : [[id, text(given[i])]])))
  const results = new Map<string, string>()
  const asks: Journal['asks'] = new Map()
  const fields = texts(entries)
  let note: string | undefined
  for (let i = 0; i < fields.length; i += 2) {
    const [field = '', value = ''] = fields.slice(i, i + 2)
    const name = field.slice(2)
    if (field.startsWith('o:')) results.set(name, value)
    if (field === 'n') note = value
    if (!field.startsWith('k:')) continue
    const [id = '', digest = ''] = value.split(' ')
    asks.set(name, { id, digest, due: number(left[ids.indexOf(id)]) })
  }
  const ms = number(slept)
  return { results, asks, answers, said: number(said), slept: ms < 0 ? undefined : ms, note }
}

/**
 * Takes a call over by compare and set. A claim that this run has made before is a repeat. A suspended call is taken only where
 * something is due, or where that is asked for.
 * Keys: the session; its live parts; the log; the journal; the copies of suspended calls. Arguments: the stream; the owner that the
 * call must have; the new owner; how long the live parts live (ms); whether to take a suspended call in any case. Reply: the status; 1 where the call is cancelled; the number of
 * the last entry; the typed id; the request; the asks; of a durable call: their answers or nil; the ms until their deadlines; the
 * journal; the ordinal of the handler's last message; for how many ms the call was suspended, or -1.
 */
export const claim = defineScript('mcpClaim', {
  keys: ['session', 'live', 'log', 'jrn', 'suspended'],
  texts: ['stream', 'expected', 'owner'],
  numbers: ['open'],
  flags: ['evenSuspended'],
  gone: "{ 'gone' }",
  reply(reply): ClaimReply {
    const status = oneOf(list(reply)[0], ['ok', 'lost', 'over', 'suspended', 'gone'])
    return status === 'ok' ? readClaim(reply) : { status }
  },
  lua: `${NOW}${LAST}${LONGER}${SUSPENSION}${COPIES}${TAKE}
local current = call('HGET', live, 'o:' .. stream)
if not current and restore(live, suspended) then current = call('HGET', live, 'o:' .. stream) end
local _, ended = last(log)
if not current or ended then return { 'over' } end
if current ~= expected and current ~= owner then return { 'lost' } end
if current == '' and not evenSuspended and suspension(live, stream) then return { 'suspended' } end
return take(stream, owner)
`,
})

/** A call that nobody runs: {@link endIdle} ends it. */
interface Idle {
  status: 'idle'
  stream: string
}

/**
 * Cancels a call for as long as it lives, or leaves a mark of some seconds for a call that may still register. Where several
 * calls have the id, one of them: the newest while it runs, then another. A repeat finds the same one. Nothing is written where nobody
 * runs the call.
 * A session has so many marks at once: a cancel beyond them leaves none, and the call that it concerns has its response.
 * Keys: the session; its live parts; the mark; the number of marks; the copies of suspended calls. Arguments: the typed id; how long
 * the mark lives (ms). Reply: the owner and the stream of the call, both nil where there is no such call.
 */
export const cancel = defineScript('mcpCancel', {
  keys: ['session', 'live', 'mark', 'marks', 'suspended'],
  texts: ['id'],
  numbers: ['cancelMark'],
  gone: '{ false, false }',
  reply(reply): CancelReply | Idle {
    const [owner, stream] = list(reply)
    if (stream === null) return { status: 'unknown' }
    return owner === ''
      ? { status: 'idle', stream: text(stream) }
      : { status: 'ok', owner: text(owner), stream: text(stream) }
  },
  lua: `${NOW}${COPIES}
local function find()
  local stream = call('HGET', live, 'c:' .. id)
  if stream then return stream end
  for _, field in ipairs(call('HKEYS', live)) do
    local name = string.sub(field, 1, 2) == 'i:' and string.sub(field, 3)
    if name and (not stream or name < stream) and call('HGET', live, field) == id then stream = name end
  end
  return stream
end
local stream = find()
if not stream and restore(live, suspended) then stream = find() end
local before = not stream and string.match(call('GET', mark) or '', '^=(.*)$')
if before then return { '', before } end
if not stream then
  local count = call('INCR', marks)
  if count == 1 then call('PEXPIRE', marks, cancelMark) end
  if count <= ${MAX_MARKS} then call('SET', mark, now(), 'PX', cancelMark) end
  return { false, false }
end
local owner = call('HGET', live, 'o:' .. stream) or ''
if owner == '' then return { owner, stream } end
-- Not refused where Redis is full, and then HSET is not either.
call('HDEL', live, 'x:' .. stream)
call('HSET', live, 'x:' .. stream, '1')
return { owner, stream }
`,
})

/**
 * Ends a call that nobody runs, since it is cancelled: no run would. Where a run has it now, that run is to end it. The reply is kept
 * for a while, for a repeat.
 * Keys: the session; its live parts; the log; the list of logs; what the session keeps; the journal; the copies of suspended calls; the
 * mark of its cancel; the end of the call. Arguments: the typed id; the stream; how many messages the log keeps; how long an open log,
 * an ended log and the end of the call live (ms). Reply: the owner, '' where the call has ended, nil where it had ended before; the
 * holder.
 */
export const endIdle = defineScript('mcpEndIdle', {
  keys: ['session', 'live', 'log', 'logs', 'held', 'sizes', 'jrn', 'suspended', 'mark', 'over'],
  texts: ['id', 'stream'],
  numbers: ['maxMessages', 'open', 'ended', 'endRepeat'],
  gone: '{ false }',
  reply(reply, { stream }): CancelReply {
    const [owner, holder] = list(reply)
    if (owner === null) return { status: 'unknown' }
    return owner === ''
      ? { status: 'ended', holder: optional(holder), stream }
      : { status: 'ok', owner: text(owner), stream }
  },
  lua: `${LAST}${WRITE_LOG}${FORGET_CALL}${ASKS_OF}${COPIES}
local owner, holder = call('HGET', live, 'o:' .. stream), call('HGET', live, 's:' .. stream)
if not owner and call('GET', over) == '1' then return { '', holder } end
if not owner then return { false } end
if owner ~= '' then
  call('HDEL', live, 'x:' .. stream)
  call('HSET', live, 'x:' .. stream, '1')
  return { owner }
end
${evenIfFull('live', "math.max(call('PTTL', live), open)")}local _, bytes = add(log, live, stream, last(log) + 1, '', { '' }, true, maxMessages, math.huge)
keep(log, logs, held, sizes, stream, ended, open, live)
if call('HEXISTS', sizes, stream) == 1 then hold(held, sizes, stream, bytes, ended, open) end
hold(held, sizes, stream .. ' answers', 0, open, open)
local forget = asks_of(live, stream)
forget_call(live, stream, forget)
forget_copy(suspended, stream)${FORGET_DURABLE}call('SET', mark, '=' .. stream, 'PX', endRepeat)
call('SET', over, '1', 'PX', endRepeat)
return { '', holder }
`,
})
