/** Tasks in memory: as the scripts of Redis, step by step. */
import type { Owner } from '../names.ts'
import {
  type Offer,
  TASK_BYTES,
  TASK_ENTRIES,
  TASK_SLACK,
  type TaskClaim,
  type TaskEnd,
  type TaskKeep,
  type TaskKey,
  type TaskStatus,
  type TaskStore,
  type TaskTerms,
} from '../tasks.ts'
import { part, type State } from './state.ts'
import { openOf, pauseOf, type Task, taskOf, viewOf } from './task-record.ts'

export function taskOperations(state: State): TaskStore {
  const tasks = state.map<Task>()
  const names = state.map<Set<string>>()
  const { clock } = state
  const placeOf = ({ scope, id }: TaskKey) => part(scope, id)

  function find(key: TaskKey): Task | undefined {
    if (key.inSession && !state.sessions.has(key.scope)) return undefined
    const task = tasks.get(placeOf(key))
    return task && task.expires > clock.now() ? task : undefined
  }

  const watchersOf = (task: Task): string[] => {
    for (const [watcher, until] of task.watchers) if (until <= clock.now()) task.watchers.delete(watcher)
    return [...task.watchers.keys()]
  }

  function grow(key: TaskKey, task: Task, bytes: number): void {
    state.requireRoom(bytes)
    task.bytes += bytes
    tasks.weigh(placeOf(key), task.bytes)
  }

  function changed(task: Task, status: TaskStatus): void {
    task.status = status
    task.updated = clock.wall()
  }

  function stop(task: Task, status: TaskStatus): void {
    changed(task, status)
    task.owner = ''
    task.lease = 0
  }

  /** The run that is offered has the leg: it sends the same again after a lost reply. */
  const isRepeated = (task: Task, offered: Offer | undefined) =>
    typeof offered === 'object' && task.status === 'working' && task.owner === offered.owner

  /** `from`: who had the leg before. */
  function claim(task: Task, owner: Owner, { lease }: TaskTerms, from: Owner): TaskClaim {
    Object.assign(task, { owner, lease: clock.now() + lease, progress: false, queued: 0 })
    const asks = new Map([...task.asks].map(([key, { ask, value }]) => [key, { ask, value }]))
    const { leg, lost, runs, request, created, ttl, results } = task
    const before = from === '' ? undefined : from
    return { leg, attempt: lost + 1, runs, from: before, request, created, ttl, asks, results: new Map(results) }
  }

  /** Takes the leg for the offered run, or has an executor asked for it, where it is due. A leg that was lost too often is the end. */
  function offer(task: Task, terms: TaskTerms, offered: Offer | undefined) {
    const { patience, backOff } = terms
    const now = clock.now()
    if (offered === undefined || task.status !== 'working') return {}
    if (offered !== 'enqueue' && offered.leg !== undefined && offered.leg !== task.leg) return {}
    if (offered !== 'enqueue' && isRepeated(task, offered)) return { claim: claim(task, offered.owner, terms, '') }
    const isLost = task.owner !== ''
    const left = task.lease + (isLost ? pauseOf(backOff, task.lost) : 0) - now
    if (left > 0) return isLost || offered === 'enqueue' || offered.leg === undefined ? {} : { wait: left }
    const from = task.owner
    if (isLost && task.lost >= task.retries) {
      stop(task, 'failed')
      return { lost: { request: task.request, from } }
    }
    if (offered === 'enqueue') {
      if (task.queued > now) return {}
      task.queued = now + patience
      return { enqueue: { leg: task.leg, delay: 0 } }
    }
    if (isLost) task.lost++
    task.runs++
    return { claim: claim(task, offered.owner, terms, from) }
  }

  function keepOnce(key: TaskKey, task: Task, owner: Owner, once: NonNullable<TaskKeep['once']>) {
    const { name } = once
    const known = task.results.get(name)
    if (known !== undefined && once.step !== 'fail') return { status: 'known', value: known } as const
    const begun = task.begun.get(name)
    if (once.step === 'begin') {
      if (begun !== undefined && begun !== owner) return { status: 'begun' } as const
      task.begun.set(name, owner)
    } else if (once.step === 'fail') {
      if (begun === owner) task.begun.delete(name)
    } else {
      const bytes = name.length + once.value.length
      const entries = task.results.size + task.asks.size
      if (entries >= TASK_ENTRIES || task.bytes + bytes > TASK_BYTES) return { status: 'full' } as const
      grow(key, task, bytes)
      task.results.set(name, once.value)
      task.progress = true
      task.lost = 0
    }
    return undefined
  }

  function endLeg(key: TaskKey, task: Task, end: TaskEnd, terms: TaskTerms) {
    if (end.kind === 'input') {
      for (const { key: name, ask, request } of end.asks) {
        if (task.asks.has(name)) continue
        grow(key, task, name.length + request.length)
        task.asks.set(name, { ask, request, value: undefined })
      }
      // Where each has its answer, nobody would wake the task: the next leg may begin at once.
      const isOpen = end.asks.some((ask) => task.asks.get(ask.key)?.value === undefined)
      stop(task, isOpen ? 'input_required' : 'working')
      Object.assign(task, { leg: task.leg + 1, lost: 0, runs: 0 })
      return {}
    }
    if (end.kind !== 'released') {
      grow(key, task, end.outcome.length)
      stop(task, end.kind)
      task.outcome = end.outcome
      task.message = end.message ?? task.message
      return {}
    }
    const isLost = end.counts && !task.progress
    if (isLost && task.lost >= task.retries) {
      stop(task, 'failed')
      return {}
    }
    const delay = isLost ? pauseOf(terms.backOff, task.lost++) : 0
    Object.assign(task, { owner: '', lease: clock.now() + delay })
    if (!end.enqueue) return {}
    task.queued = clock.now() + delay + terms.patience
    return { enqueue: { leg: task.leg, delay } }
  }

  return {
    async create(key, made, terms) {
      if (key.inSession && !state.sessions.has(key.scope)) return { status: 'unknown' }
      const { answers = [], request, ttl } = made
      const before = find(key)
      if (before) return before.request === request ? { status: 'ok', view: viewOf(before) } : { status: 'taken' }
      const task = taskOf(made, terms, clock.now(), clock.wall())
      const kept = [request, ...answers.map(({ value }) => value), ...task.results.values()]
      const bytes = kept.reduce((sum, text) => sum + text.length, 0)
      state.requireRoom(bytes)
      tasks.set(placeOf(key), task, ttl + TASK_SLACK)
      grow(key, task, bytes)
      if (key.inSession) {
        names.set(key.scope, (names.get(key.scope) ?? new Set()).add(key.id), Math.max(ttl, names.timeLeft(key.scope)))
      }
      return { status: 'ok', view: viewOf(task) }
    },

    async get(key, terms, offered) {
      const task = find(key)
      if (!task) return { status: 'unknown' }
      const { status } = task
      const taken = offer(task, terms, offered)
      return { status: 'ok', view: viewOf(task), ...taken, watchers: task.status === status ? [] : watchersOf(task) }
    },

    async update(key, answers, terms, offered) {
      const task = find(key)
      if (!task) return { status: 'unknown' }
      if (isRepeated(task, offered)) {
        return { status: 'ok', view: viewOf(task), ...offer(task, terms, offered), watchers: [] }
      }
      if (task.status !== 'input_required') return { status: 'ok', view: viewOf(task), watchers: [] }
      let news = false
      for (const [name, value] of answers) {
        const ask = task.asks.get(name)
        if (!ask || ask.value !== undefined) continue
        grow(key, task, value.length)
        ask.value = value
        news = true
      }
      const open = openOf(task)
      if (news) changed(task, open.length > 0 ? 'input_required' : 'working')
      const taken = news && open.length === 0 ? offer(task, terms, offered) : {}
      return { status: 'ok', view: viewOf(task), ...taken, watchers: news ? watchersOf(task) : [] }
    },

    async renew(key, { owner, message, progress, once }, { lease }) {
      const task = find(key)
      if (!task) return { status: 'unknown' }
      if (task.owner !== owner) return { status: task.status === 'cancelled' ? 'cancelled' : 'lost' }
      task.lease = clock.now() + lease
      if (message !== undefined) {
        task.message = message
        task.shown = progress ?? task.shown
        changed(task, 'working')
      }
      const refused = once && keepOnce(key, task, owner, once)
      return refused ?? { status: 'ok', watchers: message === undefined ? [] : watchersOf(task) }
    },

    async end(key, owner, end, terms) {
      const task = find(key)
      if (!task) return { status: 'unknown' }
      if (task.owner !== owner) {
        if (task.by === owner) return { status: 'ok', watchers: [] }
        return { status: task.status === 'cancelled' ? 'cancelled' : 'lost' }
      }
      const taken = endLeg(key, task, end, terms)
      task.by = owner
      return { status: 'ok', ...taken, watchers: task.status === 'working' ? [] : watchersOf(task) }
    },

    async cancel(key) {
      const task = find(key)
      if (!task) return { status: 'unknown' }
      if (task.status !== 'working' && task.status !== 'input_required') return { status: 'over', view: viewOf(task) }
      const { owner } = task
      stop(task, 'cancelled')
      return { status: 'ok', view: viewOf(task), owner: owner === '' ? undefined : owner, watchers: watchersOf(task) }
    },

    async watch(key, watcher, lifetime, asking) {
      const task = find(key)
      if (!task) return { status: 'unknown' }
      if (lifetime > 0) task.watchers.set(watcher, clock.now() + lifetime)
      else task.watchers.delete(watcher)
      const reply = { status: 'ok' as const, view: viewOf(task), turn: undefined, watchers: [] }
      if (!asking) return reply
      const { stream, lifetime: until, turn } = task.asking
      const isOwn = stream === asking.stream
      if (asking.lifetime <= 0) {
        if (!isOwn) return reply
        task.asking = { stream: '', lifetime: 0, turn }
        return { ...reply, watchers: watchersOf(task) }
      }
      if (!isOwn && until > clock.now()) return reply
      // Nobody reads it now: it keeps its turn until its time is over, and then for as long as no other wants it.
      if (isOwn && !state.peekLive(key.scope)?.places.get(asking.stream)?.holder) return { ...reply, turn }
      const next = isOwn ? turn : turn + 1
      task.asking = { stream: asking.stream, lifetime: clock.now() + asking.lifetime, turn: next }
      return { ...reply, turn: next }
    },

    async list(scope) {
      return [...(names.get(scope) ?? [])].flatMap((id) => {
        const task = find({ scope, id, inSession: true })
        return task ? [{ id, view: viewOf(task) }] : []
      })
    },

    async endSession(scope) {
      if (state.sessions.has(scope)) return []
      const left = [...(names.get(scope) ?? [])]
      names.delete(scope)
      return left.map((id) => {
        const place = placeOf({ scope, id })
        const owner = tasks.get(place)?.owner
        tasks.delete(place)
        return { id, owner: owner === '' ? undefined : owner }
      })
    },
  }
}
