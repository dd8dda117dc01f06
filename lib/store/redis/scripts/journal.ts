/** Scripts on the journal of a durable call, and on its suspension. */
import { JOURNAL_BYTES, JOURNAL_ENTRIES, type KeepReply, type PollReply, type SuspendReply } from '../../journal.ts'
import { COUNTED } from '../../options.ts'
import { list, logEntries, number, oneOf, optional, text } from './decode.ts'
import { FIRST, LAST, registerCall, TAG_AT } from './lua.ts'
import { HOLD, NOW } from './lua-first.ts'
import { ASKS_OF, COPIES, LONGER, SUSPENSION, UPGRADE } from './lua-suspended.ts'
import { defineScript } from './script.ts'

/**
 * A step of a \`once\`. The first result stays.
 * Keys: the session; its live parts; the log; the mark of an early cancel; the end of the call; what the session keeps; the journal.
 * Arguments: the stream; the owner; the name; the step; the result; how long the live parts live (ms); how many bytes the session
 * may have; whether to register the call, with its typed id, holder, request, how many calls the session may have and how old the
 * mark may be (ms); the ordinal of the handler's last message in the log (-1: unknown), which counts where the store has none. Reply:
 * the status; the result that is known.
 */
export const keep = defineScript('mcpKeep', {
  keys: ['session', 'live', 'log', 'mark', 'over', 'held', 'sizes', 'jrn'],
  texts: ['stream', 'owner', 'name', 'step', 'value', 'id', 'holder', 'request'],
  numbers: ['open', 'maxCalls', 'sessionBytes', 'markAge', 'said'],
  flags: ['registers'],
  gone: "{ 'gone' }",
  reply(reply): KeepReply {
    const [word, value] = list(reply)
    const status = oneOf(word, ['ok', 'known', 'begun', 'lost', 'cancelled', 'full', 'gone'])
    return status === 'known' ? { status, value: text(value) } : { status }
  },
  lua: `${HOLD}${registerCall('d:')}${LONGER}
if registers then
  local refused = register(session, live, log, mark, over, id, stream, owner, holder, request, maxCalls, markAge)
  if refused then return { refused } end
  count_request(held, sizes, live, stream, request, open, sessionBytes)
  call('PEXPIRE', live, open)
end
if call('HGET', live, 'o:' .. stream) ~= owner then return { 'lost' } end
if call('HEXISTS', live, 'x:' .. stream) == 1 then return { 'cancelled' } end
longer(live, open)
${UPGRADE}if said >= 0 then call('HSETNX', live, 'q:' .. stream, said) end
local field, begun = 'o:' .. name, 'b:' .. name
local known = call('HGET', jrn, field)
if known then
  if step == 'end' and known == value then return { 'ok' } end
  return { 'known', known }
end
local run = call('HGET', jrn, begun)
if step == 'fail' then
  if run == owner then call('HDEL', jrn, begun) end
  return { 'ok' }
end
-- The fields '' and 'n' are no entries.
local entries = call('HLEN', jrn) - call('HEXISTS', jrn, '') - call('HEXISTS', jrn, 'n') - (run and 1 or 0)
if step == 'begin' then
  if run then return { run == owner and 'ok' or 'begun' } end
  if entries >= ${JOURNAL_ENTRIES} then return { 'full' } end
  call('HSET', jrn, begun, owner)
else
  local bytes = (call('HGET', jrn, '') or 0) + #name + #value
  if entries >= ${JOURNAL_ENTRIES} or bytes > ${JOURNAL_BYTES} then return { 'full' } end
  if bytes >= ${COUNTED} then
    local part = stream .. ' journal'
    if purge(held, sizes, 1000) - (call('HGET', sizes, part) or 0) + bytes > sessionBytes then return { 'full' } end
    hold(held, sizes, part, bytes, open, open)
  end
  call('HSET', jrn, '', bytes, field, value)
  call('HDEL', jrn, begun)
end
longer(jrn, open)
return { 'ok' }
`,
})

/**
 * Nobody runs a call from now on, unless one of the asks that it waits for has an answer, or no time left.
 * Keys: the session; its live parts; the log; the list of logs; what the session keeps; the journal; the copies of suspended calls.
 * Arguments: the stream; the owner; a text ('': none); how long the live parts live, and a log after its end (ms); how many calls of
 * the session are suspended at most. Lists: the asks. Reply: the status;
 * the holder; of each ask its answer or nil.
 */
export const suspend = defineScript('mcpSuspend', {
  keys: ['session', 'live', 'log', 'logs', 'held', 'sizes', 'jrn', 'suspended'],
  texts: ['stream', 'owner', 'note'],
  numbers: ['open', 'ended', 'max'],
  lists: ['asks'],
  gone: "{ 'gone' }",
  reply(reply, { asks }): SuspendReply {
    const [word, holder, values] = list(reply)
    const status = oneOf(word, ['ok', 'news', 'full', 'lost', 'cancelled', 'gone'])
    if (status === 'ok') return { status, holder: optional(holder) }
    if (status !== 'news') return { status }
    const found = list(values)
    return { status, answers: new Map(asks.flatMap((ask, i) => (found[i] === null ? [] : [[ask, text(found[i])]]))) }
  },
  lua: `${HOLD}${LONGER}${ASKS_OF}
if call('HGET', live, 'o:' .. stream) ~= owner then return { 'lost' } end
if call('HEXISTS', live, 'x:' .. stream) == 1 then return { 'cancelled' } end
-- A request that the session had no room for: no instance could run the call again.
if call('HEXISTS', live, 'd:' .. stream) == 0 then return { 'full' } end
local news, answers, latest = #asks == 0, {}, now()
for i, ask in ipairs(asks) do
  local known = call('HMGET', live, 'a:' .. ask, 'v:' .. ask, 't:' .. ask)
  local deadline = tonumber(known[3] or '')
  if not known[1] or known[2] or (deadline and deadline <= now()) then news = true end
  answers[i] = known[2]
  latest = math.max(latest, deadline or 0)
end
if news then return { 'news', false, answers } end
local count = 0
for _, field in ipairs(call('HKEYS', live)) do
  if string.sub(field, 1, 2) == 'z:' then count = count + 1 end
end
if count >= max then return { 'full' } end
local to = latest + ended
local left = to - now()
call('HSET', live, 'o:' .. stream, '', 'z:' .. stream, string.format('%.0f %.0f ', now(), to) .. table.concat(asks, ' '))
if note ~= '' then call('HSET', jrn, 'n', note) else call('HDEL', jrn, 'n') end
call('PEXPIRE', jrn, math.max(open, left))
for _, key in ipairs({ live, log, logs, held, sizes }) do longer(key, left) end
longer(session, math.min(left, (tonumber(call('HGET', session, 'end') or '') or to) - now()))
call('ZADD', logs, 'XX', 'GT', to, stream)
for _, part in ipairs({ '', ' answers', ' journal' }) do call('ZADD', held, 'XX', 'GT', to, stream .. part) end
if left > open then
  local fields = { 'i:', 'o:', 'd:', 'z:', 'q:', 'b:', 'p:' }
  for i, kind in ipairs(fields) do fields[i] = kind .. stream end
  local id = 'c:' .. (call('HGET', live, 'i:' .. stream) or '')
  if call('HGET', live, id) == stream then table.insert(fields, id) end
  for _, ask in ipairs(asks_of(live, stream)) do
    for _, kind in ipairs({ 'a:', 'v:', 't:' }) do table.insert(fields, kind .. ask) end
  end
  for _, field in ipairs(fields) do
    local value = call('HGET', live, field)
    if value then call('HSET', suspended, stream .. ' ' .. field, value) end
  end
  longer(suspended, left)
end
return { 'ok', call('HGET', live, 's:' .. stream) }
`,
})

/**
 * Reads the log of a suspended call after a position. Its session lives on as long as the call does.
 * Keys: the session; its live parts; the log; the journal; the copies of suspended calls. Arguments: the stream; the tag of the
 * entry at the position ('' is not compared); the position. Reply: the status; the entries; for how many ms the call has been
 * suspended; the log level; the text of its suspension.
 */
export const poll = defineScript('mcpPoll', {
  keys: ['session', 'live', 'log', 'jrn', 'suspended'],
  texts: ['stream', 'tag'],
  numbers: ['after'],
  gone: "{ 'gone' }",
  reply(reply): PollReply {
    const [word, entries, since, level, note] = list(reply)
    const status = oneOf(word, ['suspended', 'due', 'gone', 'trimmed', 'beyond'])
    if (status !== 'suspended') return { status }
    return { status, entries: logEntries(entries), since: number(since), level: optional(level), note: optional(note) }
  },
  lua: `${NOW}${LAST}${FIRST}${TAG_AT}${LONGER}${SUSPENSION}${COPIES}
local owner = call('HGET', live, 'o:' .. stream)
if not owner and restore(live, suspended) then owner = call('HGET', live, 'o:' .. stream) end
if owner ~= '' then return { 'due' } end
local since, to = suspension(live, stream)
if not since then return { 'due' } end
local top = last(log)
if after > top then return { 'beyond' } end
if after < first(log, top + 1) - 1 then return { 'trimmed' } end
local at = tag ~= '' and tag_at(log, after)
if at and at ~= tag then return { 'beyond' } end
local left = to - now()
for _, key in ipairs({ live, log, jrn }) do longer(key, left) end
longer(session, math.min(left, (tonumber(call('HGET', session, 'end') or '') or to) - now()))
local entries = call('XRANGE', log, '(' .. after .. '-0', '+')
return { 'suspended', entries, now() - since, call('HGET', session, 'level'), call('HGET', jrn, 'n') }
`,
})
