/** What the scripts on tasks share: their Lua, and how the parts of their replies are read. */
import type { GetReply, TaskClaim, TaskStatus, TaskView } from '../../tasks.ts'
import { list, number, optional, text, texts } from './decode.ts'
import { NOW } from './lua-first.ts'

/** Is there such a task? `dead` is true where there is none, where it has expired, and where its session has ended. */
export const FIND = `${NOW}
local born, ttl = unpack(call('HMGET', task, 'born', 'ttl'))
local dead = not born or born + ttl <= now() or (bound and call('EXISTS', session) == 0)
`

/** `view()`: what a client sees; `watchers()`: those who wait, without those whose time is over. */
export const VIEW = `
local VIEW = { 'st', 'born', 'upd', 'ttl', 'poll', 'leg', 'msg', 'out', 'pgs' }
local function view()
  local fields = call('HMGET', task, unpack(VIEW))
  local asks = {}
  if fields[1] == 'i' then
    for key in string.gmatch(call('HGET', task, 'open') or '', '%S+') do
      local found = call('HMGET', task, 'h:' .. key, 'q:' .. key)
      asks[#asks + 1] = key
      asks[#asks + 1] = found[1]
      asks[#asks + 1] = found[2]
    end
  end
  return { fields, asks }
end
local function watchers()
  local found, left = {}, {}
  for one, till in string.gmatch(call('HGET', task, 'w') or '', '(%S+) (%S+)') do
    if tonumber(till) > now() then
      found[#found + 1] = one
      left[#left + 1] = one .. ' ' .. till
    end
  end
  if #left > 0 then call('HSET', task, 'w', table.concat(left, ' ')) end
  return found
end
local function stop(status)
  call('HSET', task, 'st', status, 'upd', now(), 'own', '', 'lse', 0)
end
local function pause(lost)
  return tonumber(backOff[math.min(lost + 1, #backOff)] or 0)
end
`

/**
 * `offer()`: takes the leg where it is due, or asks for an executor. Returns { kind, … }: 'claim', 'enqueue' or 'wait', or nothing.
 * `taken()`: the reply to a run that has the leg.
 */
export const OFFER = `
local function taken(lost, from)
  call('HSET', task, 'own', owner, 'lse', now() + lease, 'prg', '', 'que', 0)
  return { 'claim', lost + 1, call('HGETALL', task), from }
end
local function offer()
  local st, own, lse, lost, max, que, at = unpack(call('HMGET', task, 'st', 'own', 'lse', 'lost', 'max', 'que', 'leg'))
  if kind == '' or st ~= 'w' or (leg > 0 and leg ~= tonumber(at)) then return {} end
  lost = tonumber(lost)
  -- Sent again after a lost reply.
  if kind == 'claim' and own == owner then return taken(lost, '') end
  local gone = own ~= ''
  local left = lse + (gone and pause(lost) or 0) - now()
  if left > 0 then return (gone or leg == 0) and {} or { 'wait', left } end
  if gone and lost >= tonumber(max) then
    stop('f')
    return { 'failed', call('HGET', task, 'req'), own }
  end
  if kind == 'enqueue' then
    if tonumber(que) > now() then return {} end
    call('HSET', task, 'que', now() + patience)
    return { 'enqueue', tonumber(at), 0 }
  end
  if gone then lost = call('HINCRBY', task, 'lost', 1) end
  call('HINCRBY', task, 'runs', 1)
  return taken(lost, own)
end
`

const STATUS: Readonly<Record<string, TaskStatus>> = {
  w: 'working',
  i: 'input_required',
  c: 'completed',
  f: 'failed',
  x: 'cancelled',
}

export function readView(reply: unknown): TaskView {
  const [fields, flat] = list(reply)
  const [st, born, upd, ttl, poll, leg, msg, out, pgs] = list(fields)
  const given = texts(flat)
  const asks = Array.from({ length: given.length / 3 }, (_, i) => {
    const [key = '', ask = '', request = ''] = given.slice(3 * i, 3 * i + 3)
    return { key, ask, request }
  })
  return {
    ...{ status: STATUS[text(st)] ?? 'failed', created: Number(born), updated: Number(upd), ttl: Number(ttl) },
    ...{ poll: Number(poll), leg: Number(leg), message: optional(msg), asks, outcome: optional(out) },
    progress: optional(pgs),
  }
}

type Taken = {
  claim?: TaskClaim
  enqueue?: { leg: number; delay: number }
  wait?: number
  lost?: { request: string; from: string }
}

export function readTaken(reply: unknown): Taken {
  const [kind, first, second, from] = list(reply)
  if (kind === 'enqueue') return { enqueue: { leg: number(first), delay: number(second) } }
  if (kind === 'wait') return { wait: number(first) }
  if (kind === 'failed') return { lost: { request: text(first), from: text(second) } }
  return kind === 'claim' ? { claim: readClaim(number(first), texts(second), text(from)) } : {}
}

function readClaim(attempt: number, flat: readonly string[], from: string): TaskClaim {
  const fields = new Map<string, string>()
  for (let i = 0; i < flat.length; i += 2) fields.set(flat[i] ?? '', flat[i + 1] ?? '')
  const claim: TaskClaim = {
    ...{ leg: Number(fields.get('leg')), attempt, request: fields.get('req') ?? '' },
    ...{ runs: Number(fields.get('runs')), from: from === '' ? undefined : from },
    ...{ created: Number(fields.get('born')), ttl: Number(fields.get('ttl')), asks: new Map(), results: new Map() },
  }
  for (const [field, value] of fields) {
    if (field.startsWith('h:')) {
      const key = field.slice(2)
      claim.asks.set(key, { ask: value, value: fields.get(`a:${key}`) })
    } else if (field.startsWith('o:')) claim.results.set(field.slice(2), value)
  }
  return claim
}

export const UNKNOWN = 'unknown'

/** Reply: 'unknown', or the view, what was taken, and those who wait. */
export function readGet(reply: unknown): GetReply {
  const [view, taken, watchers] = list(reply)
  if (view === UNKNOWN) return { status: UNKNOWN }
  return { status: 'ok', view: readView(view), ...readTaken(taken), watchers: texts(watchers) }
}
