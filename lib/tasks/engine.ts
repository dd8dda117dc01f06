/**
 * The engine of tasks. Any instance makes a task, reads it, answers it and cancels it; a leg that nobody runs is taken by the next
 * request for the task, in the step that reads it, or by what an executor wakes.
 */
import { pause } from '../base/clock.ts'
import { channels, publish, type TakeoverEvent } from '../base/events.ts'
import { randomId } from '../base/ids.ts'
import type { AuthInfo } from '../protocol/auth-info.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import type { JsonObject, JsonRpcRequest } from '../protocol/jsonrpc.ts'
import { instanceOf } from '../runtime/name.ts'
import type { Durability } from '../server/dispatcher.ts'
import type { Owner } from '../store/store.ts'
import type { Asking, Offer, TaskClaim, TaskEnd, TaskKey, TaskStore, TaskView } from '../store/tasks.ts'
import type { MadeTask, TaskCaller, TaskEngine, TaskRequest } from './engine-types.ts'
import type { Executor, RunTask, Wake } from './executor.ts'
import { jsonRpcOf, type RunParts } from './leg-request.ts'
import { LegStore } from './leg-store.ts'
import { entryOf, nameOf, readName } from './names.ts'
import { TaskRun } from './task-run.ts'
import { MAX_LEGS, MAX_TASKS, TERMS } from './terms.ts'

export interface EngineParts extends RunParts {
  store: TaskStore
  /** Undefined: this process runs the legs. */
  executor: Executor | undefined
  durability(request: JsonRpcRequest): Durability
}

/** The reply of a step that may have taken a leg. */
interface Step {
  claim?: TaskClaim | undefined
  enqueue?: { leg: number; delay: number } | undefined
  watchers?: readonly string[]
  lost?: { request: string; from: Owner } | undefined
  view: TaskView
}

export class Engine implements TaskEngine {
  readonly #parts: EngineParts
  #legs = 0

  constructor(parts: EngineParts) {
    this.#parts = parts
  }

  async create(made: MadeTask, caller: TaskCaller): Promise<TaskView> {
    const { store, instance, executor } = this.#parts
    const { key, request, ...terms } = made
    const place = placeOf(caller)
    const member = nameOf(key)
    const token = randomId(12)
    const owner = executor ? undefined : instance.name(token)
    const text = JSON.stringify(request)
    const sent = instance.clock.now()
    const give = () => Promise.all([store.cancel(key), instance.store.occupy(place, member, 0)])
    const [count, reply] = await Promise.all([
      instance.store.occupy(place, member, made.ttl),
      store.create(key, { ...terms, owner, request: text }, TERMS),
    ]).catch((error) => {
      // It may have been stored, and no client has its name.
      instance.retry.add(give)
      throw error
    })
    if (reply.status !== 'ok') {
      await instance.store.occupy(place, member, 0)
      const why = reply.status === 'taken' ? 'its name is taken: try again' : 'its session has ended'
      throw new ProtocolError(ErrorCode.InternalError, `The task could not be made: ${why}.`)
    }
    if (count > MAX_TASKS) {
      await give()
      throw new ProtocolError(
        ErrorCode.InternalError,
        `This caller has ${MAX_TASKS} tasks, and may have no more until some expire.`,
      )
    }
    if (owner === undefined) await this.#enqueue(key, { leg: 1, delay: 0 })
    else this.#begin(key, token, sent, claimOf(made, text, reply.view), request, caller, caller.auth)
    return reply.view
  }

  async get(key: TaskKey, caller: TaskCaller): Promise<TaskView | undefined> {
    const token = randomId(12)
    const sent = this.#parts.instance.clock.now()
    const offer = this.#offer(token)
    const reply = await this.#claiming(key, offer, this.#parts.store.get(key, TERMS, offer))
    if (reply.status !== 'ok') return undefined
    await this.#taken(key, token, sent, reply, caller)
    return reply.view
  }

  async update(
    key: TaskKey,
    answers: Readonly<Record<string, JsonObject>>,
    caller: TaskCaller,
  ): Promise<TaskView | undefined> {
    const token = randomId(12)
    const sent = this.#parts.instance.clock.now()
    const entries = new Map(Object.entries(answers).map(([name, answer]) => [entryOf(name), JSON.stringify(answer)]))
    // A leg that begins here and now needs no executor's delay; where nothing may begin here, the next poll takes it.
    const offer = this.#offer(token) ?? 'enqueue'
    const reply = await this.#claiming(key, offer, this.#parts.store.update(key, entries, TERMS, offer))
    if (reply.status !== 'ok') return undefined
    await this.#taken(key, token, sent, reply, caller)
    return reply.view
  }

  async cancel(key: TaskKey): Promise<{ status: 'ok' | 'over'; view: TaskView } | undefined> {
    const { store, instance } = this.#parts
    const reply = await store.cancel(key)
    if (reply.status === 'unknown') return undefined
    if (reply.status === 'ok') {
      if (reply.owner !== undefined) void instance.send({ t: 'cancel', to: reply.owner })
      this.#tell(key, reply.watchers)
    }
    return { status: reply.status, view: reply.view }
  }

  async watch(key: TaskKey, watcher: string, lifetime: number, asking?: Asking): ReturnType<TaskEngine['watch']> {
    const reply = await this.#parts.store.watch(key, watcher, lifetime, asking)
    if (reply.status !== 'ok') return undefined
    this.#tell(key, reply.watchers)
    return reply
  }

  list(scope: string): Promise<{ id: string; view: TaskView }[]> {
    return this.#parts.store.list(scope)
  }

  async endSession(scope: string, caller: Pick<TaskCaller, 'principal' | 'client'>): Promise<void> {
    const { instance, store } = this.#parts
    const ended = await store.endSession(scope)
    for (const { owner } of ended) if (owner !== undefined) void instance.send({ t: 'gone', to: owner })
    const place = placeOf(caller)
    await Promise.all(ended.map(({ id }) => instance.store.occupy(place, nameOf({ scope, id, inSession: true }), 0)))
  }

  async run(wake: Wake, { deadline }: { deadline?: number | undefined } = {}): ReturnType<RunTask> {
    const key = readName(wake.task)
    if (!key) return 'nothing'
    const { instance, store } = this.#parts
    const { clock } = instance
    for (;;) {
      const token = randomId(12)
      const sent = clock.now()
      const offer = { owner: instance.name(token), leg: wake.leg }
      const reply = await this.#claiming(key, offer, store.get(key, TERMS, offer))
      if (reply.status !== 'ok') return 'nothing'
      this.#publishStep(key, reply)
      const { view, claim, wait } = reply
      if (claim) {
        await this.#resume(key, token, sent, claim, { deadline })
        return 'ran'
      }
      if (view.status !== 'working' || view.leg !== wake.leg) return 'nothing'
      // The queue was earlier than the leg may begin.
      const left = (deadline ?? Number.POSITIVE_INFINITY) - sent
      if (wait === undefined || wait > left / 2) return 'held'
      for (const until = sent + wait; clock.now() < until; ) {
        if (instance.draining) return 'held'
        await pause(clock, Math.min(PAUSE, until - clock.now()))
      }
    }
  }

  /** A claim whose reply was lost may have been stored: its leg is given back. This instance lives, so that no other would take it soon. */
  #claiming<T>(key: TaskKey, offer: Offer | undefined, step: Promise<T>): Promise<T> {
    const { instance, store } = this.#parts
    return step.catch((error) => {
      if (typeof offer === 'object') instance.retry.add(() => store.end(key, offer.owner, GIVEN_BACK, TERMS))
      throw error
    })
  }

  /** What this instance offers for a leg that nobody runs. */
  #offer(token: string): Offer | undefined {
    const { instance, executor } = this.#parts
    if (executor) return 'enqueue'
    return instance.draining || this.#legs >= MAX_LEGS ? undefined : { owner: instance.name(token) }
  }

  async #taken(key: TaskKey, token: string, sent: number, step: Step, caller: TaskCaller): Promise<void> {
    this.#publishStep(key, step)
    if (step.claim) void this.#resume(key, token, sent, step.claim, caller)
    if (step.enqueue) await this.#enqueue(key, step.enqueue)
  }

  /** Where that fails, the next poll asks for the leg again. */
  async #enqueue(key: TaskKey, { leg, delay }: { leg: number; delay: number }): Promise<void> {
    const { executor, instance } = this.#parts
    await executor?.enqueue({ task: nameOf(key), leg }, delay).catch((error) => instance.report(error))
  }

  #resume(key: TaskKey, token: string, sent: number, claim: TaskClaim, caller: Partial<TaskCaller>): Promise<void> {
    const request = JSON.parse(claim.request) as TaskRequest
    if (claim.runs > 1) this.#publishTakeover(key, request, claim.leg, claim.from, 'rerun')
    // The caller had what the call needs when it made the task: a poll may come with a token of fewer scopes.
    const auth = request.auth && { ...request.auth, token: caller.auth?.token ?? '' }
    return this.#begin(key, token, sent, claim, request, caller, auth)
  }

  #begin(
    key: TaskKey,
    token: string,
    claimedAt: number,
    claim: TaskClaim,
    request: TaskRequest,
    caller: Partial<TaskCaller>,
    auth: AuthInfo | undefined,
  ): Promise<void> {
    const { instance, executor, store, durability } = this.#parts
    const owner: Owner = instance.name(token)
    const tell = (about: TaskKey, watchers: readonly string[]) => this.#tell(about, watchers)
    const report = (error: unknown) => instance.report(error)
    const run = new TaskRun(this.#parts, {
      ...{
        token,
        name: nameOf(key),
        claim,
        request,
        again: durability(jsonRpcOf(request)) !== 'none',
        enqueues: executor !== undefined,
      },
      caller: {
        ...{ principal: request.principal, client: caller.client, auth, deadline: caller.deadline },
        ...{ quota: caller.quota, held: caller.held, note: caller.note },
        request: requestInfoOf(request, caller),
      },
      store: new LegStore({ store, key, owner, claimedAt, executor, tell, report, clock: instance.clock }),
    })
    this.#legs++
    return run.run().finally(() => this.#legs--)
  }

  /** What a step has found: those who wait look at the task, and where runs of a leg were lost too often, the task has failed. */
  #publishStep(key: TaskKey, { watchers = [], lost, view }: Step): void {
    this.#tell(key, watchers)
    if (lost) this.#publishTakeover(key, JSON.parse(lost.request) as TaskRequest, view.leg, lost.from, 'failed')
  }

  #publishTakeover(
    key: TaskKey,
    { session, requestId: id, method }: TaskRequest,
    leg: number,
    from: Owner | undefined,
    outcome: TakeoverEvent['outcome'],
  ): void {
    if (!channels.takeover.hasSubscribers) return
    const event: TakeoverEvent = {
      instance: this.#parts.instance.id,
      id,
      method,
      outcome,
      sent: 0,
      task: nameOf(key),
      leg,
    }
    if (session) event.session = session.key
    if (from !== undefined) event.from = instanceOf(from)
    publish('takeover', event)
  }

  /** Has those look at the task who wait for it. */
  #tell(key: TaskKey, watchers: readonly string[]): void {
    for (const to of watchers) void this.#parts.instance.send({ t: 'task', to, task: nameOf(key) })
  }
}

/** How long a leg that may not begin yet is waited for without a look at this instance, in ms. */
const PAUSE = 1_000
const GIVEN_BACK: TaskEnd = { kind: 'released', counts: false, enqueue: false }

/** Where the tasks of a caller are counted: of its principal, or of its address where callers have none. */
function placeOf({ principal, client = '' }: Pick<TaskCaller, 'principal' | 'client'>): string {
  return principal === '' ? `task of ${client}` : `task:${principal}`
}

function requestInfoOf({ url }: TaskRequest, { request }: Partial<TaskCaller>): TaskCaller['request'] {
  return { headers: request?.headers ?? new Headers(), ...(url !== undefined && { url: new URL(url) }) }
}

/** The first leg, which the request that makes the task begins. */
function claimOf({ answers = [], results = [] }: MadeTask, request: string, { created, ttl }: TaskView): TaskClaim {
  return {
    ...{ leg: 1, attempt: 1, runs: 1, request, created, ttl },
    asks: new Map(answers.map(({ key, ask, value }) => [key, { ask, value }])),
    results: new Map(results.map(({ name, value }) => [name, value])),
  }
}
