/**
 * Scripts on tasks. A record is a hash: `st` status, `req` request, `ttl`, `poll`, `ret` how often a leg is run again, `cr` and `up`
 * when it was made and changed, `exp` when it expires, `ow` the run that has the leg, `ls` until when it does, or when it may begin,
 * `leg`, `lost` runs of it, `prog` where this run has kept something, `qu` until when an executor's message is on its way, `msg`, `out`
 * outcome, `by` the run that ended the last leg, `n` bytes, `ks` the keys of the asks in their order; for each ask `k:<key>` its digest,
 * `a:<key>` its text, `v:<key>` its answer; `o:<name>` a result of `ctx.once`, `b:<name>` the run that began a single, `w:<name>` until
 * when a watcher is named.
 */
import { TASK_BYTES, TASK_ENTRIES, TASK_SLACK, type TaskAsk, type TaskClaim, type TaskStatus, type TaskView } from '../../tasks.ts'
import { list, number, oneOf, optional, text, texts } from './decode.ts'
import { NOW } from './lua-first.ts'
import { defineScript } from './script.ts'

const STATUSES: readonly TaskStatus[] = ['working', 'input_required', 'completed', 'failed', 'cancelled']

/** In threes: key, digest, text. */
function asksIn(reply: unknown): TaskAsk[] {
  const items = texts(reply)
  return Array.from({ length: items.length / 3 }, (_, i) => {
    const [key = '', ask = '', request = ''] = items.slice(3 * i)
    return { key, ask, request }
  })
}

function viewIn(reply: unknown): TaskView {
  const [status, created, updated, ttl, poll, leg, message, outcome, asks] = list(reply)
  return {
    status: oneOf(status, STATUSES),
    created: number(created),
    updated: number(updated),
    ttl: number(ttl),
    poll: number(poll),
    leg: number(leg),
    message: optional(message),
    asks: asksIn(asks),
    outcome: optional(outcome),
  }
}

function claimIn(reply: unknown): TaskClaim {
  const [leg, attempt, request, created, ttl, asked, kept] = list(reply)
  const asks: TaskClaim['asks'] = new Map()
  const items = list(asked)
  for (let i = 0; i < items.length; i += 3) asks.set(text(items[i]), { ask: text(items[i + 1]), value: optional(items[i + 2]) })
  const names = texts(kept)
  const results = new Map<string, string>()
  for (let i = 0; i < names.length; i += 2) results.set(names[i] ?? '', names[i + 1] ?? '')
  return { leg: number(leg), attempt: number(attempt), request: text(request), created: number(created), ttl: number(ttl), asks, results }
}

/** What a step may give beside the rest: the claim of the leg, and the leg for which an executor is to be asked. */
function takenIn(claim: unknown, enqueue: unknown) {
  const [leg, delay] = enqueue === null ? [] : list(enqueue)
  return {
    ...(claim !== null && { claim: claimIn(claim) }),
    ...(enqueue !== null && { enqueue: { leg: number(leg), delay: number(delay) } }),
  }
}

function stepIn(reply: unknown) {
  const [status, view, claim, enqueue, watchers] = list(reply)
  if (status !== 'ok') return { status: oneOf(status, ['unknown']) }
  return { status: 'ok' as const, view: viewIn(view), ...takenIn(claim, enqueue), watchers: texts(watchers) }
}

/**
 * `get(field)`, `num(field)`: a field of the record, and one that is a number (0 for none). `found(in_session)`: the task exists: its record,
 * and the session that it is in. `write()`: what follows is done also where Redis is full. `view()`: the task as clients see it.
 */
const TASK = `${NOW}
local function get(field) return call('HGET', task, field) end
local function num(field) return tonumber(get(field) or '') or 0 end
local function found(in_session)
  if in_session and call('EXISTS', session) == 0 then return false end
  return num('exp') > now()
end
local function write() call('PEXPIRE', task, math.max(1, call('PTTL', task))) end
local function keys_of() return string.gmatch(get('ks') or '', '%S+') end
local function view()
  local asks = {}
  local status = get('st')
  if status == 'input_required' then
    for key in keys_of() do
      if call('HEXISTS', task, 'v:' .. key) == 0 then
        table.insert(asks, key)
        table.insert(asks, get('k:' .. key))
        table.insert(asks, get('a:' .. key))
      end
    end
  end
  return { status, num('cr'), num('up'), num('ttl'), num('poll'), num('leg'), get('msg'), get('out'), asks }
end
`

/**
 * `changed(status)`, `stop(status)`: a new status; and nobody runs the task. `watchers()`: the names of those who wait for it. `grow(bytes)`: it
 * keeps so much more. `pause(lost)`: how long the next run of a leg waits.
 */
const CHANGE = `
local function changed(status) call('HSET', task, 'st', status, 'up', now()) end
local function stop(status)
  changed(status)
  call('HSET', task, 'ow', '', 'ls', 0)
end
local function watchers()
  local names = {}
  for _, field in ipairs(call('HKEYS', task)) do
    if string.sub(field, 1, 2) == 'w:' then
      if num(field) > now() then table.insert(names, string.sub(field, 3)) else call('HDEL', task, field) end
    end
  end
  return names
end
local function grow(bytes) call('HINCRBY', task, 'n', bytes) end
`

const PAUSE = `
local function pause(lost) return tonumber(backOff[math.min(lost + 1, #backOff)] or 0) end
`

/** `offer()`: the claim of the leg, or the leg for which an executor is to be asked, where it is due and something is offered. */
const OFFER = `${PAUSE}
local function claimed()
  local asks, results = {}, {}
  for key in keys_of() do
    table.insert(asks, key)
    table.insert(asks, get('k:' .. key))
    table.insert(asks, get('v:' .. key))
  end
  local all = call('HGETALL', task)
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 2) == 'o:' then
      table.insert(results, string.sub(all[i], 3))
      table.insert(results, all[i + 1])
    end
  end
  return { num('leg'), num('lost') + 1, get('req'), num('cr'), num('ttl'), asks, results }
end
local function offer()
  if get('st') ~= 'working' or (owner == '' and not enqueues) then return false, false end
  local current = get('ow')
  -- The reply to the same step was lost.
  if owner ~= '' and current == owner then return claimed(), false end
  if owner ~= '' and leg > 0 and leg ~= num('leg') then return false, false end
  local lost = num('lost')
  local due = num('ls') + (current ~= '' and pause(lost) or 0)
  if due > now() then return false, false end
  write()
  if current ~= '' and lost >= num('ret') then
    stop('failed')
    return false, false
  end
  if enqueues then
    if num('qu') > now() then return false, false end
    call('HSET', task, 'qu', now() + patience)
    return false, { num('leg'), 0 }
  end
  if current ~= '' then call('HINCRBY', task, 'lost', 1) end
  call('HSET', task, 'ow', owner, 'ls', now() + lease, 'qu', 0)
  call('HDEL', task, 'prog')
  return claimed(), false
end
`

/**
 * Makes a record. A repeat is the same.
 * Keys: the record; the session; the session's tasks. Reply: 'ok' and the task, 'taken', 'unknown'.
 */
export const createTask = defineScript('mcpCreateTask', {
  keys: ['task', 'session', 'tasks'],
  texts: ['id', 'owner', 'request'],
  numbers: ['ttl', 'poll', 'retries', 'lease', 'patience', 'bytes'],
  flags: ['inSession'],
  lists: ['askKeys', 'askDigests', 'askValues', 'names', 'results'],
  reply(reply) {
    const [status, view] = list(reply)
    return status === 'ok'
      ? { status: 'ok' as const, view: viewIn(view) }
      : { status: oneOf(status, ['taken', 'unknown'] as const) }
  },
  lua: `${TASK}
if inSession and call('EXISTS', session) == 0 then return { 'unknown' } end
if found(inSession) then
  if get('req') ~= request then return { 'taken' } end
  return { 'ok', view() }
end
call('UNLINK', task)
call('HSET', task, 'st', 'working', 'req', request, 'ttl', ttl, 'poll', poll, 'ret', retries, 'cr', now(), 'up', now(),
  'exp', now() + ttl, 'ow', owner, 'leg', 1, 'n', bytes)
if owner ~= '' then call('HSET', task, 'ls', now() + lease) else call('HSET', task, 'qu', now() + patience) end
for i, key in ipairs(askKeys) do call('HSET', task, 'k:' .. key, askDigests[i], 'a:' .. key, '', 'v:' .. key, askValues[i]) end
if #askKeys > 0 then call('HSET', task, 'ks', table.concat(askKeys, ' ')) end
for i, name in ipairs(names) do call('HSET', task, 'o:' .. name, results[i]) end
call('PEXPIRE', task, ttl + ${TASK_SLACK})
if inSession then
  call('ZREMRANGEBYSCORE', tasks, '-inf', now())
  call('ZADD', tasks, now() + ttl, id)
  call('PEXPIRE', tasks, math.max(ttl + ${TASK_SLACK}, call('PTTL', tasks)))
end
return { 'ok', view() }
`,
})

/**
 * Reads a task, and takes its leg, or has an executor asked for it, where it is due.
 * Keys: the record; the session. Arguments: the run that is offered ('' for none) and the leg that it wants (0: any); the terms.
 * Reply: 'ok', the task, the claim, the leg for an executor, whom a change concerns; 'unknown'.
 */
export const getTask = defineScript('mcpGetTask', {
  keys: ['task', 'session'],
  texts: ['owner'],
  numbers: ['leg', 'lease', 'patience'],
  flags: ['inSession', 'enqueues'],
  lists: ['backOff'],
  reply: stepIn,
  lua: `${TASK}${CHANGE}${OFFER}
if not found(inSession) then return { 'unknown' } end
local before = get('st')
local claim, enqueue = offer()
return { 'ok', view(), claim, enqueue, get('st') == before and {} or watchers() }
`,
})

/**
 * Keeps answers to open asks. Where none is open any more the next leg begins.
 * Keys and arguments as above, with keys of asks and their answers. Reply as above.
 */
export const updateTask = defineScript('mcpUpdateTask', {
  keys: ['task', 'session'],
  texts: ['owner'],
  numbers: ['leg', 'lease', 'patience'],
  flags: ['inSession', 'enqueues'],
  lists: ['backOff', 'names', 'values'],
  reply: stepIn,
  lua: `${TASK}${CHANGE}${OFFER}
if not found(inSession) then return { 'unknown' } end
local before = get('st')
if before ~= 'input_required' then
  -- The reply to the same step was lost.
  local claim = before == 'working' and owner ~= '' and get('ow') == owner and claimed() or false
  return { 'ok', view(), claim, false, {} }
end
write()
local news = false
for i, name in ipairs(names) do
  if call('HEXISTS', task, 'k:' .. name) == 1 and call('HSETNX', task, 'v:' .. name, values[i]) == 1 then
    grow(#values[i])
    news = true
  end
end
local open = false
for key in keys_of() do
  if call('HEXISTS', task, 'v:' .. key) == 0 then open = true end
end
local claim, enqueue = false, false
if news then
  changed(open and 'input_required' or 'working')
  if not open then claim, enqueue = offer() end
end
return { 'ok', view(), claim, enqueue, news and watchers() or {} }
`,
})

/**
 * A sign of the run that has the leg, with a status message and a step of \`ctx.once\`.
 * Keys: the record; the session. Arguments: the run; the message; the step ('' for none), its name and value. Reply: 'ok' and whom
 * the message concerns; 'known' and the value; another word.
 */
export const renewTask = defineScript('mcpRenewTask', {
  keys: ['task', 'session'],
  texts: ['owner', 'message', 'step', 'name', 'value'],
  numbers: ['lease'],
  flags: ['inSession', 'hasMessage'],
  reply(reply) {
    const [status, more] = list(reply)
    if (status === 'ok') return { status: 'ok' as const, watchers: texts(more) }
    if (status === 'known') return { status: 'known' as const, value: text(more) }
    return { status: oneOf(status, ['begun', 'full', 'lost', 'cancelled', 'unknown'] as const) }
  },
  lua: `${TASK}${CHANGE}
if not found(inSession) then return { 'unknown' } end
if get('ow') ~= owner then return { get('st') == 'cancelled' and 'cancelled' or 'lost' } end
write()
call('HSET', task, 'ls', now() + lease)
if hasMessage then
  call('HSET', task, 'msg', message)
  changed('working')
end
if step ~= '' then
  local known = get('o:' .. name)
  if known and step ~= 'fail' then return { 'known', known } end
  local begun = get('b:' .. name)
  if step == 'begin' then
    if begun and begun ~= owner then return { 'begun' } end
    call('HSET', task, 'b:' .. name, owner)
  elseif step == 'fail' then
    if begun == owner then call('HDEL', task, 'b:' .. name) end
  else
    local entries = 0
    for _, field in ipairs(call('HKEYS', task)) do
      local kind = string.sub(field, 1, 2)
      if kind == 'o:' or kind == 'k:' then entries = entries + 1 end
    end
    if entries >= ${TASK_ENTRIES} or num('n') + #name + #value > ${TASK_BYTES} then return { 'full' } end
    grow(#name + #value)
    call('HSET', task, 'o:' .. name, value, 'prog', '1', 'lost', 0)
  end
end
return { 'ok', hasMessage and watchers() or {} }
`,
})

/**
 * Ends a leg. A repeat by the same run is the same.
 * Keys: the record; the session. Arguments: the run; how the leg ends; the outcome; the message; the terms; keys, digests and texts of
 * asks. Reply: 'ok', the leg for an executor, whom a change concerns; another word.
 */
export const endTask = defineScript('mcpEndTask', {
  keys: ['task', 'session'],
  texts: ['owner', 'kind', 'outcome', 'message'],
  numbers: ['patience'],
  flags: ['inSession', 'hasMessage', 'counts', 'enqueues'],
  lists: ['backOff', 'askKeys', 'askDigests', 'requests'],
  reply(reply) {
    const [status, enqueue, watchers] = list(reply)
    if (status !== 'ok') return { status: oneOf(status, ['lost', 'cancelled', 'unknown'] as const) }
    return { status: 'ok' as const, ...takenIn(null, enqueue), watchers: texts(watchers) }
  },
  lua: `${TASK}${CHANGE}${PAUSE}
if not found(inSession) then return { 'unknown' } end
if get('ow') ~= owner then
  if get('by') == owner then return { 'ok', false, {} } end
  return { get('st') == 'cancelled' and 'cancelled' or 'lost' }
end
write()
local enqueue = false
if kind == 'input' then
  local keys = get('ks') or ''
  for i, key in ipairs(askKeys) do
    if call('HSETNX', task, 'k:' .. key, askDigests[i]) == 1 then
      call('HSET', task, 'a:' .. key, requests[i])
      grow(#key + #requests[i])
      keys = keys .. ' ' .. key
    end
  end
  call('HSET', task, 'ks', keys)
  stop('input_required')
  call('HINCRBY', task, 'leg', 1)
  call('HSET', task, 'lost', 0)
elseif kind == 'released' then
  local lost = num('lost')
  local is_lost = counts and not get('prog')
  if is_lost and lost >= num('ret') then
    stop('failed')
  else
    local delay = 0
    if is_lost then
      delay = pause(lost)
      call('HINCRBY', task, 'lost', 1)
    end
    call('HSET', task, 'ow', '', 'ls', now() + delay)
    if enqueues then
      call('HSET', task, 'qu', now() + delay + patience)
      enqueue = { num('leg'), delay }
    end
  end
else
  grow(#outcome)
  stop(kind)
  call('HSET', task, 'out', outcome)
  if hasMessage then call('HSET', task, 'msg', message) end
end
call('HSET', task, 'by', owner)
return { 'ok', enqueue, get('st') == 'working' and {} or watchers() }
`,
})

/** Ends a task at once. Keys: the record; the session. Reply: 'ok', the task, its run ('' for none), whom it concerns; 'over', the task; 'unknown'. */
export const cancelTask = defineScript('mcpCancelTask', {
  keys: ['task', 'session'],
  flags: ['inSession'],
  reply(reply) {
    const [status, view, owner, watchers] = list(reply)
    if (status === 'over') return { status: 'over' as const, view: viewIn(view) }
    if (status !== 'ok') return { status: oneOf(status, ['unknown'] as const) }
    return { status: 'ok' as const, view: viewIn(view), owner: text(owner) || undefined, watchers: texts(watchers) }
  },
  lua: `${TASK}${CHANGE}
if not found(inSession) then return { 'unknown' } end
local status = get('st')
if status ~= 'working' and status ~= 'input_required' then return { 'over', view() } end
write()
local owner = get('ow')
stop('cancelled')
return { 'ok', view(), owner, watchers() }
`,
})

/** Names a connection in the replies for a time (0: no longer). Keys: the record; the session. Reply: 'ok' and the task; 'unknown'. */
export const watchTask = defineScript('mcpWatchTask', {
  keys: ['task', 'session'],
  texts: ['watcher'],
  numbers: ['lifetime'],
  flags: ['inSession'],
  reply(reply) {
    const [status, view] = list(reply)
    return status === 'ok'
      ? { status: 'ok' as const, view: viewIn(view) }
      : { status: oneOf(status, ['unknown'] as const) }
  },
  lua: `${TASK}
if not found(inSession) then return { 'unknown' } end
if lifetime > 0 then call('HSET', task, 'w:' .. watcher, now() + lifetime) else call('HDEL', task, 'w:' .. watcher) end
return { 'ok', view() }
`,
})

/** The tasks of a session. Keys: the session; its tasks. Reply: ids, and the tasks, in turn. */
export const listTasks = defineScript('mcpListTasks', {
  keys: ['session', 'tasks'],
  gone: '{}',
  reply(reply) {
    const items = list(reply)
    return Array.from({ length: items.length / 2 }, (_, i) => ({
      id: text(items[2 * i]),
      view: viewIn(items[2 * i + 1]),
    }))
  },
  lua: `local task
${TASK}
local all = {}
for _, id in ipairs(call('ZRANGE', tasks, 0, -1)) do
  -- As the name of a record is made of that of the list: both are in the slot of the session.
  task = string.sub(tasks, 1, -2) .. ':' .. id
  if found(false) then
    table.insert(all, id)
    table.insert(all, view())
  end
end
return all
`,
})
