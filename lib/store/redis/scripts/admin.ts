/** Scripts for operators. */
import type { StoredCall, StoredSession } from '../../admin.ts'
import type { CancelReply } from '../../calls.ts'
import { flag, list, nothing, number, optional, text, texts } from './decode.ts'
import { evenIfFull } from './lua.ts'
import { NOW } from './lua-first.ts'
import { defineScript } from './script.ts'

/**
 * Writes what an instance reports of itself, also where Redis is full.
 * Keys: the list of the instances; the report. Arguments: the instance; the text; how long it lives (ms). No reply.
 */
export const report = defineScript('mcpReport', {
  keys: ['instances', 'reported'],
  texts: ['instance', 'facts'],
  numbers: ['ttl'],
  reply: nothing,
  lua: `${NOW}
${evenIfFull('reported', 'ttl')}call('SET', reported, facts, 'PX', ttl)
call('ZREMRANGEBYSCORE', instances, '-inf', now())
call('ZADD', instances, now() + ttl, instance)
if call('PTTL', instances) < ttl then call('PEXPIRE', instances, ttl) end
`,
})

function storedCall(reply: unknown): StoredCall {
  const [id, stream, owner, holder, cancelled, suspended] = list(reply)
  return {
    id: text(id),
    stream: text(stream),
    owner: text(owner),
    holder: optional(holder),
    cancelled: flag(cancelled),
    ...(flag(suspended) && { suspended: true }),
  }
}

/** Nil, and what an earlier build wrote otherwise, is undefined. */
function time(reply: unknown): number | undefined {
  return reply === null ? undefined : number(reply)
}

/**
 * Describes a session. Nothing is changed.
 * Keys: the session; its live parts; what it keeps. Reply: nil where there is no session; the record; how long ago it was opened, and
 * how long ago its lifetime slid (ms, or nil); how long it lives (ms); the bytes that it keeps; the holders of its streams; its calls.
 */
export const describe = defineScript('mcpDescribe', {
  keys: ['session', 'live', 'sizes'],
  gone: 'false',
  reply(reply, { key }): StoredSession | undefined {
    if (reply === null) return undefined
    const [record, age, idle, left, bytes, holders, calls] = list(reply)
    return {
      key,
      record: text(record),
      age: time(age),
      idle: time(idle),
      left: number(left),
      bytes: number(bytes),
      holders: texts(holders),
      calls: list(calls).map(storedCall),
    }
  },
  lua: `${NOW}
local known = call('HMGET', session, 'rec', 'born', 'slid')
local function ago(moment)
  local at = tonumber(moment or '')
  return at and math.max(0, now() - at) or false
end
local holders, calls = {}, {}
local function collect(key)
  for _, field in ipairs(call('HKEYS', key)) do
    if string.sub(field, 1, 2) == 's:' then table.insert(holders, call('HGET', key, field)) end
  end
end
collect(session)
collect(live)
for _, field in ipairs(call('HKEYS', live)) do
  if string.sub(field, 1, 2) == 'o:' then
    local stream = string.sub(field, 3)
    local names = call('HMGET', live, 'i:' .. stream, field, 's:' .. stream, 'x:' .. stream, 'z:' .. stream)
    local suspended = names[2] == '' and names[5]
    table.insert(calls, { names[1] or '', stream, names[2] or '', names[3], names[4] and 1 or 0, suspended and 1 or 0 })
  end
end
local bytes = tonumber(call('HGET', sizes, '') or 0)
return { known[1] or '', ago(known[2]), ago(known[3]), call('PTTL', session), bytes, holders, calls }
`,
})

/**
 * Cancels a call for as long as it lives.
 * Keys: the session; its live parts. Arguments: the stream. Reply: the owner; nil where no call has the stream.
 */
export const cancelCall = defineScript('mcpCancelCall', {
  keys: ['session', 'live'],
  texts: ['stream'],
  gone: 'false',
  reply: (reply, { stream }): CancelReply =>
    reply === null ? { status: 'unknown' } : { status: 'ok', owner: text(reply), stream },
  lua: `
local owner = call('HGET', live, 'o:' .. stream)
if not owner then return false end
-- Not refused where Redis is full, and then HSET is not either.
call('HDEL', live, 'x:' .. stream)
call('HSET', live, 'x:' .. stream, '1')
return owner
`,
})

/**
 * Describes a task. Nothing is changed.
 * Keys: the record. Reply: nil where there is none; the request, the run of its leg, the runs that were lost, how long it lives (ms).
 */
export const describeTask = defineScript('mcpDescribeTask', {
  keys: ['task'],
  reply(reply) {
    if (reply === null) return undefined
    const [request, owner, lost, left] = list(reply)
    return { request: text(request), owner: text(owner), lost: Number(text(lost)), left: number(left) }
  },
  lua: `
local found = call('HMGET', task, 'req', 'own', 'lost')
if not found[1] then return false end
return { found[1], found[2] or '', found[3] or '0', call('PTTL', task) }
`,
})
