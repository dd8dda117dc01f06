/** Scripts on the streams of a session: which connection holds one, and what its log has. */
import { either, flag, logEntries, nothing, number, optional } from './decode.ts'
import { evenIfFull, FIRST, HOLD_ON, LAST, OWN_END, TAG_AT, WRITE_LOG } from './lua.ts'
import { EXTEND, HOLD, NOW } from './lua-first.ts'
import { SUSPENSION } from './lua-suspended.ts'
import { defineScript } from './script.ts'

/** Nil, and what a reply does not have, is undefined. */
const mark = (reply: unknown) => (reply === null || reply === undefined ? undefined : true)

/** `count_own(stream, before, bytes)`: counts the log of a stream that belongs to the session. It keeps its messages in any case. */
const COUNT_OWN = `
local function count_own(stream, before, bytes)
  if not is_step(before, bytes) then return end
  if hold(held, sizes, stream, bytes, open, open) > sessionBytes then call('HSET', session, 'full', '1') end
end
`

/**
 * Appends to a stream that belongs to the session. A message that was added under the same id is not added again.
 * Keys: the session; the log; the list of logs; the number of the message, for its repeat; what the session keeps. Arguments:
 * the stream; the message; its tag; how many messages and bytes the log keeps; how long the log and the number live (ms);
 * how many bytes the session may keep. Reply: the status;
 * the number of the message; the holder; the bytes that the session keeps, and for how many ms.
 */
export const post = defineScript('mcpPost', {
  keys: ['session', 'log', 'logs', 'posted', 'held', 'sizes'],
  texts: ['stream', 'message', 'tag'],
  numbers: ['maxMessages', 'maxBytes', 'open', 'repeatTtl', 'sessionBytes'],
  gone: "{ 'gone' }",
  reply: either(['gone'], { n: number, holder: optional, held: number, heldFor: number }),
  lua: `${OWN_END}${WRITE_LOG}${COUNT_OWN}
local n = tonumber(call('GET', posted) or 0)
if n == 0 then
  n = (own_end(session, stream) or 0) + 1
  count_own(stream, add(log, session, stream, n, tag, { message }, false, maxMessages, maxBytes))
  keep(log, logs, held, sizes, stream, open, open)
  call('HSET', session, 'e:' .. stream, n)
end
call('SET', posted, n, 'PX', repeatTtl)
local kept = tonumber(call('HGET', sizes, '') or 0)
return { 'ok', n, call('HGET', session, 's:' .. stream), kept, held_for(held) }
`,
})

/**
 * Makes a connection the holder of a stream and reads the log after a position. Without a position (-1): the same holder again
 * starts where it did (its reply was lost); after another holder, which was sent everything, the new one starts at the end;
 * else it starts after the last number that a holder was sent.
 * Keys: the session; its live parts; the log; the list of logs; what the session keeps. Arguments: the stream; the holder; the
 * position; the tag of
 * the entry there ('' is not compared); how long an open log lives (ms). Reply: the status; the entries; the number of the
 * last one; the position; its tag; the previous holder; the owner; 1 where the log has ended; the log level;
 * 1 where the call is suspended and nothing is due.
 */
export const take = defineScript('mcpTake', {
  keys: ['session', 'live', 'log', 'logs', 'held', 'sizes'],
  texts: ['stream', 'holder', 'tag'],
  numbers: ['after', 'open'],
  gone: "{ 'gone' }",
  reply: either(['gone', 'unknown', 'trimmed', 'beyond'], {
    entries: logEntries,
    end: number,
    position: number,
    tag: optional,
    previous: optional,
    owner: optional,
    ended: flag,
    level: optional,
    suspended: mark,
  }),
  lua: `${OWN_END}${LAST}${FIRST}${TAG_AT}${WRITE_LOG}${SUSPENSION}
local top, ended = last(log)
local own = own_end(session, stream)
local owner = call('HGET', live, 'o:' .. stream)
if not own and not owner and top == 0 then return { 'unknown' } end
top = own or top
local begin = first(log, top + 1)
local place = own and session or live
local previous = call('HGET', place, 's:' .. stream)
if after < 0 then
  after = top
  if not previous or previous == holder then after = tonumber(call('HGET', place, 'p:' .. stream) or 0) end
  after = math.min(top, math.max(begin - 1, after))
end
if after > top then return { 'beyond' } end
if after < begin - 1 then return { 'trimmed' } end
local at = tag_at(log, after)
if tag ~= '' and at and at ~= tag then return { 'beyond' } end
${evenIfFull('live', 'open')}call('HSET', place, 's:' .. stream, holder, 'p:' .. stream, after)
if not own then call('PEXPIRE', live, open) end
if not ended then keep(log, logs, held, sizes, stream, open, open, live) end
local entries = call('XRANGE', log, '(' .. after .. '-0', '+')
local level = call('HGET', session, 'level')
local reply = { 'ok', entries, top, after, at or false, previous, owner, ended and 1 or 0, level }
if owner == '' and suspension(live, stream) then table.insert(reply, 1) end
return reply
`,
})

/**
 * The heartbeat of a holder. A call that ended without a log has left no holder: its stream has ended.
 * Keys: the session; its live parts; the log; the list of logs; what the session keeps. Arguments: the stream; the holder; the
 * position; the tag of
 * the entry there ('' is not compared); how long the session and an open log live from now on, and the
 * session in all (ms). Reply: the status; the entries after the position; the owner; 1 where the stream has ended; the bytes that the
 * session keeps, and for how many ms; 1 where the stream belongs to the session and that is subscribed to something; 1 where the call
 * is suspended and nothing is due.
 */
export const look = defineScript('mcpLook', {
  keys: ['session', 'live', 'log', 'logs', 'held', 'sizes'],
  texts: ['stream', 'holder', 'tag'],
  numbers: ['after', 'lifetime', 'open', 'most'],
  gone: "{ 'gone' }",
  reply: either(['moved', 'gone'], {
    entries: logEntries,
    owner: optional,
    ended: flag,
    held: number,
    heldFor: number,
    subscribed: mark,
    suspended: mark,
  }),
  lua: `${OWN_END}${LAST}${FIRST}${TAG_AT}${WRITE_LOG}${EXTEND}${SUSPENSION}
local own = own_end(session, stream)
-- A stream of the session that never had a message has no log: most of those that are open are idle.
local logged = own ~= 0
local top, ended = 0, false
if logged then top, ended = last(log) end
local empty = top == 0
local owner = call('HGET', live, 'o:' .. stream)
local over = ended or (empty and not own and not owner)
local current = call('HGET', own and session or live, 's:' .. stream)
local function reply(entries, final)
  local subscribed = own and tonumber(call('HGET', session, 'us') or 0) > 0
  local found = { 'ok', entries, owner, final and 1 or 0, purge(held, sizes, 20), held_for(held), subscribed and 1 or false }
  if owner == '' and suspension(live, stream) then table.insert(found, 1) end
  return found
end
if not current and over and empty then return reply({}, true) end
if current ~= holder then return { 'moved' } end
top = own or top
if after > top or (logged and after < first(log, top + 1) - 1) then return { 'moved' } end
local at = tag ~= '' and tag_at(log, after)
if at and at ~= tag then return { 'moved' } end
extend(session, lifetime, most)
call('PEXPIRE', live, open)
if not logged then return reply({}, over) end
if not ended then keep(log, logs, held, sizes, stream, open, open, live) end
return reply(call('XRANGE', log, '(' .. after .. '-0', '+'), over)
`,
})

/**
 * Removes entries that were delivered from the log of a stream that belongs to the session.
 * Keys: the session; the log; what the session keeps. Arguments: the stream; the holder; the number of the last entry to remove;
 * how long an open log lives (ms). Reply: the status; the bytes that the session keeps, and for how many ms.
 */
export const trim = defineScript('mcpTrim', {
  keys: ['session', 'log', 'held', 'sizes'],
  texts: ['stream', 'holder'],
  numbers: ['upTo', 'open'],
  gone: "{ 'gone' }",
  reply: either(['moved', 'gone'], { held: number, heldFor: number }),
  lua: `${HOLD}${HOLD_ON}
if call('HGET', session, 's:' .. stream) ~= holder then return { 'moved' } end
local removed = 0
for _, entry in ipairs(call('XRANGE', log, '-', upTo .. '-0')) do removed = removed + #entry[2][4] end
call('XTRIM', log, 'MINID', (upTo + 1) .. '-0')
if removed == 0 then return { 'ok', purge(held, sizes, 20), held_for(held) } end
local kept = math.max(0, call('HINCRBY', session, 'b:' .. stream, 0 - removed))
if call('HEXISTS', sizes, stream) == 1 then hold(held, sizes, stream, kept, open, open) end
return { 'ok', purge(held, sizes, 20), held_for(held) }
`,
})

/**
 * Gives a stream up. The last number that the holder was sent is kept while the stream may go on. A log whose last message was
 * sent lives for a short while from now on.
 * Keys: the session; its live parts; the log; the list of logs; what the session keeps. Arguments: the stream; the holder; how
 * long that while is (ms); whether the last message was sent. No reply.
 */
export const release = defineScript('mcpRelease', {
  keys: ['session', 'live', 'log', 'logs', 'held'],
  texts: ['stream', 'holder'],
  numbers: ['delivered'],
  flags: ['sent'],
  reply: nothing,
  lua: `${NOW}${OWN_END}${LAST}
if call('EXISTS', session) == 0 then
  -- The session has ended, and a repeated DELETE need not notify this holder.
  if call('HGET', live, 's:' .. stream) == holder then call('HDEL', live, 's:' .. stream) end
  return
end
local own = own_end(session, stream)
local place = own and session or live
if (call('HGET', place, 's:' .. stream) or '') ~= holder then return end
call('HDEL', place, 's:' .. stream)
if own or call('HEXISTS', live, 'o:' .. stream) == 1 then
  call('HSET', place, 'p:' .. stream, own or (last(log)))
else
  call('HDEL', place, 'p:' .. stream)
end
if sent and call('PTTL', log) > delivered then
  call('PEXPIRE', log, delivered)
  call('ZADD', logs, 'XX', now() + delivered, stream)
  call('ZADD', held, 'XX', now() + delivered, stream)
end
`,
})

/**
 * Compare and set of the holder of a stream that has no log.
 * Keys: the session. Arguments: the stream; the holder that it must have, and the new one ('' for none). Reply: the status; the
 * holder.
 */
export const replaceHolder = defineScript('mcpReplaceHolder', {
  keys: ['session'],
  texts: ['stream', 'expected', 'holder'],
  gone: "{ 'gone' }",
  reply: either(['gone'], { isReplaced: flag, holder: optional }),
  lua: `
local field = 's:' .. stream
local current = call('HGET', session, field) or ''
if current ~= expected and current ~= holder then return { 'ok', 0, current ~= '' and current } end
if holder == '' then call('HDEL', session, field) else call('HSET', session, field, holder) end
return { 'ok', 1, false }
`,
})

/**
 * Adds the messages of changes to the GET stream, each change exactly once: the session must stand at \`from\`, and stands
 * at \`to\` afterwards. A repeat gets the entries that were added.
 * Keys: the session; the log; the list of logs; what the session keeps. Arguments: the holder; the tag of the entries; the two
 * positions; how many messages and bytes the log keeps; how long it lives (ms); how many bytes the session may keep. Lists: the messages; of each update its URI, its position and its
 * message. Reply: the status; the entries that were added.
 */
export const advance = defineScript('mcpAdvance', {
  keys: ['session', 'log', 'logs', 'held', 'sizes'],
  texts: ['holder', 'tag', 'from', 'to'],
  numbers: ['maxMessages', 'maxBytes', 'open', 'sessionBytes'],
  lists: ['messages', 'uris', 'positions', 'updates'],
  reply: either(['moved', 'gone'], { entries: logEntries }),
  lua: `${OWN_END}${WRITE_LOG}${COUNT_OWN}
local function before(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)%-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)%-(%d+)$')
  if tonumber(a_ms) ~= tonumber(b_ms) then return tonumber(a_ms) < tonumber(b_ms) end
  return tonumber(a_seq) < tonumber(b_seq)
end
local function added(first, top)
  if top < first then return {} end
  return call('XRANGE', log, first .. '-0', top .. '-0')
end
local known = call('HMGET', session, 's:get', 'pos', 'adv', 'advn')
if not known[2] then return { 'gone' } end
if known[1] ~= holder then return { 'moved' } end
local id = holder .. ' ' .. from .. ' ' .. to
if known[2] == to and known[3] == id then
  local first, top = string.match(known[4], '^(%d+) (%d+)$')
  return { 'ok', added(tonumber(first), tonumber(top)) }
end
if known[2] ~= from then return { 'moved' } end
local top = own_end(session, 'get')
local first = top + 1
local function append(message)
  top = top + 1
  count_own('get', add(log, session, 'get', top, tag, { message }, false, maxMessages, maxBytes))
end
for _, message in ipairs(messages) do append(message) end
for i, uri in ipairs(uris) do
  local since = call('HGET', session, 'u:' .. uri)
  if since and before(since, positions[i]) then append(updates[i]) end
end
if top >= first then keep(log, logs, held, sizes, 'get', open, open) end
call('HSET', session, 'pos', to, 'adv', id, 'advn', first .. ' ' .. top, 'e:get', top)
return { 'ok', added(first, top) }
`,
})
