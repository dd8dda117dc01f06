/** Scripts on a session's record, its data and its subscriptions. */
import type {
  DataReply,
  DeleteReply,
  LevelReply,
  SubscribeReply,
  UnsubscribeReply,
  WriteReply,
} from '../../sessions.ts'
import { flag, list, nothing, number, text, texts } from './decode.ts'
import { PRESENT } from './first.ts'
import { CALLS_AT_ONCE, evenIfFull } from './lua.ts'
import { HOLD, NOW } from './lua-first.ts'
import { defineScript } from './script.ts'

/**
 * Gives a session of a build that wrote no end the time when it was opened, and its end.
 * Keys: the session. Arguments: that time by the clock of the instance, which is not taken for later than now; how long the
 * session lives in all (ms). Reply: 1, or 0 where there is no session, or none any more.
 */
export const dateSession = defineScript('mcpDateSession', {
  keys: ['session'],
  numbers: ['born', 'most'],
  gone: '0',
  reply: (reply): WriteReply => ({ status: flag(reply) ? 'ok' : 'gone' }),
  lua: `${NOW}
if call('HEXISTS', session, 'end') == 1 then return 1 end
born = math.min(born, now())
call('PEXPIRE', session, math.min(call('PTTL', session), born + most - now()))
if call('EXISTS', session) == 0 then return 0 end
call('HSET', session, 'end', born + most, 'born', born)
return 1
`,
})

/**
 * Replaces the record of a session that exists.
 * Keys: the session. Arguments: the record. Reply: 1, or 0 where there is no session.
 */
export const replaceRecord = defineScript('mcpReplaceRecord', {
  keys: ['session'],
  texts: ['record'],
  gone: '0',
  reply: (reply): WriteReply => ({ status: flag(reply) ? 'ok' : 'gone' }),
  lua: `
call('HSET', session, 'rec', record)
return 1
`,
})

/** `recount(kind, values)`: the bytes of the names that the session has of one kind of field, and of their values if that is true. */
const RECOUNT = `
local function recount(kind, values)
  local bytes = 0
  for _, field in ipairs(call('HKEYS', session)) do
    if string.sub(field, 1, 2) == kind then
      bytes = bytes + #field - 2 + (values and call('HSTRLEN', session, field) or 0)
    end
  end
  return bytes
end
`

/**
 * Sets or removes a value of the author's. The bytes of all of them are counted, and counted again where they seem to be over
 * the bound: an instance of an earlier build does not count.
 * Keys: the session. Arguments: the field; its value; how many bytes all of them may have; whether it is set or removed. Reply: 1;
 * 2 where the session has as many as it may; 0 where there is no session.
 */
export const setData = defineScript('mcpSetData', {
  keys: ['session'],
  texts: ['field', 'value'],
  numbers: ['dataBytes'],
  flags: ['set'],
  gone: '0',
  reply: (reply): DataReply => ({ status: reply === 2 ? 'full' : flag(reply) ? 'ok' : 'gone' }),
  lua: `${RECOUNT}
local before = call('HEXISTS', session, field) == 1 and #field - 2 + call('HSTRLEN', session, field) or 0
local change = (set and #field - 2 + #value or 0) - before
local sum = tonumber(call('HGET', session, 'db') or 0) + change
if change > 0 and sum > dataBytes then
  sum = recount('d:', true) + change
  if sum > dataBytes then return 2 end
end
if set then call('HSET', session, field, value) else call('HDEL', session, field) end
call('HSET', session, 'db', math.max(0, sum))
return 1
`,
})

/**
 * Looks whether a session that was marked as full still keeps as much as it may, and removes the mark where it does not.
 * Keys: the session; what it keeps. Arguments: how many bytes it may keep. No reply.
 */
export const relieve = defineScript('mcpRelieve', {
  keys: ['session', 'held', 'sizes'],
  numbers: ['sessionBytes'],
  gone: 'nil',
  reply: nothing,
  lua: `${HOLD}
if purge(held, sizes, 1000) <= sessionBytes * 3 / 4 then call('HDEL', session, 'full') end
`,
})

/**
 * Sets the log level.
 * Keys: the session; its live parts. Arguments: the level. Reply: the owners of the session's calls, which must be
 * notified; nil where there is no session.
 */
export const setLevel = defineScript('mcpSetLevel', {
  keys: ['session', 'live'],
  texts: ['level'],
  gone: 'false',
  reply: (reply): LevelReply => (reply === null ? { status: 'gone' } : { status: 'ok', owners: texts(reply) }),
  lua: `
call('HSET', session, 'level', level)
local owners = {}
for _, field in ipairs(call('HKEYS', live)) do
  if string.sub(field, 1, 2) == 'o:' then
    local owner = call('HGET', live, field)
    if owner ~= '' then table.insert(owners, owner) end
  end
end
return owners
`,
})

function subscription(reply: unknown): UnsubscribeReply {
  return reply === null ? { status: 'gone' } : { status: 'ok', holder: text(reply) || undefined }
}

/**
 * Subscribes to a URI from now on, where it is not subscribed.
 * Keys: the session. Arguments: the URI; the slack of {@link PRESENT}; how many subscriptions the session may have, and how many bytes
 * all of their URIs. Reply: the
 * holder of the GET stream ('' for none); 0 where the session has as many as it may; nil where there is no session.
 */
export const subscribe = defineScript('mcpSubscribe', {
  keys: ['session'],
  texts: ['uri'],
  numbers: ['slack', 'max', 'uriBytes'],
  gone: 'false',
  reply: (reply): SubscribeReply => (reply === 0 ? { status: 'full' } : subscription(reply)),
  lua: `${PRESENT}${RECOUNT}
local field = 'u:' .. uri
if call('HEXISTS', session, field) == 0 then
  if tonumber(call('HGET', session, 'us') or 0) >= max then return 0 end
  local bytes = tonumber(call('HGET', session, 'ub') or 0) + #uri
  if bytes > uriBytes then
    -- An instance of an earlier build does not count.
    bytes = recount('u:', false) + #uri
    if bytes > uriBytes then return 0 end
  end
  call('HSET', session, field, present(slack), 'ub', bytes)
  call('HINCRBY', session, 'us', 1)
end
return call('HGET', session, 's:get') or ''
`,
})

/**
 * Ends a subscription.
 * Keys: the session. Arguments: the URI. Reply: the holder of the GET stream ('' for none); nil where there is no session.
 */
export const unsubscribe = defineScript('mcpUnsubscribe', {
  keys: ['session'],
  texts: ['uri'],
  gone: 'false',
  reply: subscription,
  lua: `
if call('HDEL', session, 'u:' .. uri) == 1 then
  call('HINCRBY', session, 'us', -1)
  call('HSET', session, 'ub', math.max(0, tonumber(call('HGET', session, 'ub') or 0) - #uri))
end
return call('HGET', session, 's:get') or ''
`,
})

/**
 * Ends a session. Its live parts keep the holders and the owners for a short while, so that a repeat, whose first reply was
 * lost, returns them too.
 * Keys: the session; its live parts; the list of its logs; what it keeps; the copies of suspended calls. Arguments: how long that while is
 * (ms). Reply: 1 where the session existed; the holders; the owners; the streams whose logs the caller must remove, and those whose
 * journals.
 */
export const deleteSession = defineScript('mcpDeleteSession', {
  keys: ['session', 'live', 'logs', 'held', 'sizes', 'suspended'],
  numbers: ['afterDelete'],
  reply(reply): { reply: DeleteReply; streams: string[]; journals: string[] } {
    const [existed, first, second, streams, journals] = list(reply)
    const [holders, owners] = [texts(first), texts(second)]
    const gone = !flag(existed) && holders.length + owners.length === 0
    return {
      reply: gone ? { status: 'gone' } : { status: flag(existed) ? 'ok' : 'repeated', holders, owners },
      streams: texts(streams),
      journals: texts(journals),
    }
  },
  lua: `
local existed = call('EXISTS', session)
if existed == 1 then
  ${evenIfFull('live', 'afterDelete')}  for _, field in ipairs(call('HKEYS', live)) do
    local kind = string.sub(field, 1, 2)
    -- A durable call has a journal, which the caller must remove: a repeat, too.
    if kind == 'd:' then call('HSET', live, field, '')
    elseif kind ~= 's:' and kind ~= 'o:' then call('HDEL', live, field) end
  end
  for _, field in ipairs(call('HKEYS', suspended)) do
    local stream = string.match(field, ' d:(.*)$')
    if stream then call('HSET', live, 'd:' .. stream, '') end
  end
  for _, field in ipairs(call('HKEYS', session)) do
    if string.sub(field, 1, 2) == 's:' then
      call('HSET', live, field, call('HGET', session, field))
    end
  end
  call('UNLINK', session, held, sizes, suspended)
  call('PEXPIRE', live, afterDelete)
  call('PEXPIRE', logs, afterDelete)
end
local holders, owners, journals = {}, {}, {}
local left = call('HGETALL', live)
for i = 1, #left, 2 do
  local kind = string.sub(left[i], 1, 2)
  if kind == 's:' then table.insert(holders, left[i + 1])
  elseif kind == 'd:' then table.insert(journals, string.sub(left[i], 3))
  elseif left[i + 1] ~= '' then table.insert(owners, left[i + 1]) end
end
return { existed, holders, owners, call('ZRANGE', logs, 0, -1), journals }
`,
})

/**
 * Counts the calls of a session. Below its limit the session is no longer marked as busy.
 * Keys: the session; its live parts. Arguments: how many calls it may have. Reply: how many it has.
 */
export const countCalls = defineScript('mcpCountCalls', {
  keys: ['session', 'live'],
  numbers: ['maxCalls'],
  gone: '0',
  reply: number,
  lua: `${CALLS_AT_ONCE}
local count = calls_at_once(live)
if count < maxCalls then call('HDEL', session, 'busy') end
return count
`,
})
