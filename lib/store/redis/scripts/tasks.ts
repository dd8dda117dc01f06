/**
 * Scripts on tasks. A record is a hash: `st` status (w, i, c, f, x), `req` request, `own` owner, `lse` until when the leg is its
 * owner's or waits, `leg`, `lost` runs of it that were lost without progress, `runs` all of its runs, `prg` set where its run has kept something, `que` until
 * when an executor's message may be on its way, `max` how often it is run again, `born`, `upd`, `ttl`, `poll`, `msg`, `pgs` progress, `out` outcome,
 * `n` entries and `size` bytes of the journal, `open` keys of asks without an answer, `w` those who wait, `asks` the stream on which
 * the asks are sent, until when, and the how-manieth that is, `by` the run that ended the last leg, `end` the cancel and whose leg that ended; `h:<key>` digest of an ask, `q:<key>` its request, `a:<key>` its answer, `o:<name>` a result, `b:<name>` who began a single.
 */
import type { CancelReply, EndReply, KeepReply, TaskStore } from '../../tasks.ts'
import { list, text, texts } from './decode.ts'
import { defineScript } from './script.ts'
import { FIND, OFFER, readGet, readTaken, readView, UNKNOWN, VIEW } from './task-parts.ts'

/**
 * Makes a record. A repeat finds its own request.
 * Keys: the record; the session; the tasks of the session. Arguments: the request, its owner ('' for none), the name of the task in
 * its session; times; whether it is in a session; the journal: keys, digests and answers, names and results, and how long a record is
 * kept beyond its time. Reply: 'unknown', 'taken', or the view.
 */
export const createTask = defineScript('mcpTaskCreate', {
  keys: ['task', 'session', 'tasks'],
  texts: ['request', 'owner', 'id'],
  numbers: ['ttl', 'poll', 'max', 'lease', 'patience', 'slack2'],
  flags: ['bound'],
  lists: ['backOff', 'keyed', 'asked', 'answered', 'named', 'kept'],
  reply(reply): Awaited<ReturnType<TaskStore['create']>> {
    const [first] = list(reply)
    if (first === UNKNOWN || first === 'taken') return { status: first }
    return { status: 'ok', view: readView(first) }
  },
  lua: `local wanted = ttl
${FIND}${VIEW}
if bound and call('EXISTS', session) == 0 then return { 'unknown' } end
if not dead then
  if call('HGET', task, 'req') == request then return { view() } end
  return { 'taken' }
end
call('DEL', task)
local size = #request
call('HSET', task, 'st', 'w', 'req', request, 'own', owner, 'leg', 1, 'lost', 0, 'max', max, 'runs', owner == '' and 0 or 1, 'born', now(), 'upd', now(),
  'ttl', wanted, 'poll', poll, 'prg', '', 'by', '', 'open', '',
  'lse', owner == '' and 0 or now() + lease, 'que', owner == '' and now() + patience or 0)
for i, key in ipairs(keyed) do
  call('HSET', task, 'h:' .. key, asked[i], 'a:' .. key, answered[i])
  size = size + #answered[i]
end
for i, name in ipairs(named) do
  call('HSET', task, 'o:' .. name, kept[i])
  size = size + #kept[i]
end
call('HSET', task, 'n', #keyed + #named, 'size', size)
call('PEXPIRE', task, wanted + slack2)
if bound then
  call('ZADD', tasks, now(), id)
  if call('PTTL', tasks) < wanted then call('PEXPIRE', tasks, wanted) end
end
return { view() }
`,
})

/**
 * Reads a task, and takes its leg where that is due and something is offered.
 * Keys: the record; the session. Arguments: the run that takes; what is offered ('', 'enqueue', 'claim'); the leg (0: whichever) and
 * times. Reply: see readGet.
 */
export const getTask = defineScript('mcpTaskGet', {
  keys: ['task', 'session'],
  texts: ['owner', 'kind'],
  numbers: ['leg', 'lease', 'patience'],
  flags: ['bound'],
  lists: ['backOff'],
  reply: readGet,
  lua: `${FIND}${VIEW}${OFFER}
if dead then return { 'unknown' } end
local taken = offer()
return { view(), taken, taken[1] == 'failed' and watchers() or {} }
`,
})

/**
 * Keeps answers to open asks. The leg begins when none is open any more, and is taken in the same step.
 * As {@link getTask}, with keys of asks and their answers.
 */
export const updateTask = defineScript('mcpTaskUpdate', {
  keys: ['task', 'session'],
  texts: ['owner', 'kind'],
  numbers: ['leg', 'lease', 'patience'],
  flags: ['bound'],
  lists: ['backOff', 'keyed', 'answered'],
  reply: readGet,
  lua: `${FIND}${VIEW}${OFFER}
if dead then return { 'unknown' } end
local st, own = unpack(call('HMGET', task, 'st', 'own'))
-- Sent again after a lost reply: the run that it offered has the leg.
if st == 'w' and kind == 'claim' and own == owner then return { view(), offer(), {} } end
if st ~= 'i' then return { view(), {}, {} } end
local given, open, news = {}, {}, false
for i, key in ipairs(keyed) do given[key] = answered[i] end
for key in string.gmatch(call('HGET', task, 'open'), '%S+') do
  if given[key] then
    call('HSET', task, 'a:' .. key, given[key])
    call('HINCRBY', task, 'size', #given[key])
    news = true
  else
    open[#open + 1] = key
  end
end
if not news then return { view(), {}, {} } end
call('HSET', task, 'open', table.concat(open, ' '), 'upd', now(), 'st', #open > 0 and 'i' or 'w')
local taken = #open == 0 and offer() or {}
return { view(), taken, watchers() }
`,
})

/**
 * Renews the lease, with a status message or a step of `ctx.once`.
 * Keys: the record; the session. Arguments: the run; whether there is a message, the message and its progress ('' for none); the step ('', 'begin', 'end',
 * 'fail'), its name and value; the lease and the bounds of the journal. Reply: a word; then the value that is known, or those who wait.
 */
export const renewTask = defineScript('mcpTaskRenew', {
  keys: ['task', 'session'],
  texts: ['owner', 'message', 'progress', 'step', 'name', 'value'],
  numbers: ['lease', 'mostBytes', 'mostEntries'],
  flags: ['bound', 'says'],
  lists: ['backOff'],
  reply(reply): KeepReply {
    const [status, second] = list(reply)
    if (status === 'ok') return { status, watchers: texts(second) }
    if (status === 'known') return { status, value: text(second) }
    return { status: text(status) } as KeepReply
  },
  lua: `${FIND}${VIEW}
if dead then return { 'unknown' } end
local st, own = unpack(call('HMGET', task, 'st', 'own'))
if own ~= owner then return { st == 'x' and 'cancelled' or 'lost' } end
call('HSET', task, 'lse', now() + lease)
if says then call('HSET', task, 'msg', message, 'upd', now()) end
if progress ~= '' then call('HSET', task, 'pgs', progress) end
if step ~= '' then
  local known = call('HGET', task, 'o:' .. name)
  if known and step ~= 'fail' then return { 'known', known } end
  local begun = call('HGET', task, 'b:' .. name)
  if step == 'begin' then
    if begun and begun ~= owner then return { 'begun' } end
    call('HSET', task, 'b:' .. name, owner)
  elseif step == 'fail' then
    if begun == owner then call('HDEL', task, 'b:' .. name) end
  else
    local n, size = unpack(call('HMGET', task, 'n', 'size'))
    if tonumber(n) >= mostEntries or size + #name + #value > mostBytes then return { 'full' } end
    call('HSET', task, 'o:' .. name, value, 'n', n + 1, 'size', size + #name + #value, 'prg', '1', 'lost', 0)
  end
end
return { 'ok', says and watchers() or {} }
`,
})

/**
 * Ends a leg.
 * Keys: the record; the session. Arguments: the run; how ('input', 'completed', 'failed', 'released'); the outcome and the status
 * message; whether it has one, whether a release counts, and whether an executor is asked for; the asks. Reply: a word, what is to be
 * enqueued, and those who wait.
 */
export const endTask = defineScript('mcpTaskEnd', {
  keys: ['task', 'session'],
  texts: ['owner', 'how', 'outcome', 'message'],
  numbers: ['patience'],
  flags: ['bound', 'says', 'counts', 'queues'],
  lists: ['backOff', 'keyed', 'asked', 'requests'],
  reply(reply): EndReply {
    const [status, taken, watchers] = list(reply)
    if (status !== 'ok') return { status: text(status) } as EndReply
    return { status, ...readTaken(taken), watchers: texts(watchers) }
  },
  lua: `${FIND}${VIEW}
if dead then return { 'unknown' } end
local st, own, by, lost, max, progress, at = unpack(call('HMGET', task, 'st', 'own', 'by', 'lost', 'max', 'prg', 'leg'))
if own ~= owner then
  if by == owner then return { 'ok', {}, {} } end
  return { st == 'x' and 'cancelled' or 'lost' }
end
call('HSET', task, 'by', owner)
if how == 'input' then
  local open = {}
  for i, key in ipairs(keyed) do
    if call('HSETNX', task, 'h:' .. key, asked[i]) == 1 then
      call('HSET', task, 'q:' .. key, requests[i])
      call('HINCRBY', task, 'n', 1)
      call('HINCRBY', task, 'size', #requests[i])
    end
    if call('HEXISTS', task, 'a:' .. key) == 0 then open[#open + 1] = key end
  end
  -- Where each has its answer, nobody would wake the task: the next leg may begin at once.
  stop(#open > 0 and 'i' or 'w')
  call('HSET', task, 'open', table.concat(open, ' '), 'leg', at + 1, 'lost', 0, 'runs', 0)
  return { 'ok', {}, watchers() }
end
if how ~= 'released' then
  stop(how == 'completed' and 'c' or 'f')
  call('HSET', task, 'out', outcome)
  if says then call('HSET', task, 'msg', message) end
  return { 'ok', {}, watchers() }
end
lost = tonumber(lost)
local counted = counts and progress == ''
if counted and lost >= tonumber(max) then
  stop('f')
  return { 'ok', {}, watchers() }
end
local delay = counted and pause(lost) or 0
if counted then call('HINCRBY', task, 'lost', 1) end
call('HSET', task, 'own', '', 'lse', now() + delay)
if not queues then return { 'ok', {}, {} } end
call('HSET', task, 'que', now() + delay + patience)
return { 'ok', { 'enqueue', tonumber(at), delay }, {} }
`,
})

/**
 * Ends a task at once. A repeat is answered as the first.
 * Keys: the record; the session. Argument: a name of this cancel. Reply: a word, the view, the owner of the leg and those who wait.
 */
export const cancelTask = defineScript('mcpTaskCancel', {
  keys: ['task', 'session'],
  texts: ['by'],
  flags: ['bound'],
  lists: ['backOff'],
  reply(reply): CancelReply {
    const [status, view, owner, watchers] = list(reply)
    if (status === 'ok') {
      const had = text(owner)
      return { status, view: readView(view), owner: had === '' ? undefined : had, watchers: texts(watchers) }
    }
    return status === 'over' ? { status, view: readView(view) } : { status: UNKNOWN }
  },
  lua: `${FIND}${VIEW}
if dead then return { 'unknown' } end
local st, own, was = unpack(call('HMGET', task, 'st', 'own', 'end'))
local mark = by .. ' '
if was and string.sub(was, 1, #mark) == mark then return { 'ok', view(), string.sub(was, #mark + 1), watchers() } end
if st ~= 'w' and st ~= 'i' then return { 'over', view() } end
stop('x')
call('HSET', task, 'end', mark .. own)
return { 'ok', view(), own, watchers() }
`,
})
