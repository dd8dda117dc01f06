/**
 * The engine of tasks. Any instance makes a task, reads it, answers it and cancels it; a leg that nobody runs is taken by the next
 * request for the task, in the step that reads it, or by what an executor wakes.
 */
import { randomId } from '../base/ids.ts'
import type { AuthInfo } from '../protocol/auth-info.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import type { JsonObject, JsonRpcRequest } from '../protocol/jsonrpc.ts'
import type { Owner } from '../store/store.ts'
import type { Offer, TaskClaim, TaskKey, TaskStore, TaskView } from '../store/tasks.ts'
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
  mayRunAgain(request: JsonRpcRequest): boolean
}

/** The reply of a step that may have taken a leg. */
interface Step {
  claim?: TaskClaim | undefined
  enqueue?: { leg: number; delay: number } | undefined
  watchers?: readonly string[]
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
    const place = `task:${request.principal}`
    const member = nameOf(key)
    const token = randomId(12)
    const owner = executor ? undefined : instance.name(token)
    const text = JSON.stringify(request)
    const sent = instance.clock.now()
    const [count, reply] = await Promise.all([
      instance.store.occupy(place, member, made.ttl),
      store.create(key, { ...terms, owner, request: text }, TERMS),
    ])
    if (reply.status !== 'ok')
      throw new ProtocolError(ErrorCode.InternalError, 'The task could not be made: try again.')
    if (count > MAX_TASKS) {
      await Promise.all([store.cancel(key), instance.store.occupy(place, member, 0)])
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
    const reply = await this.#parts.store.get(key, TERMS, this.#offer(token))
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
    const reply = await this.#parts.store.update(key, entries, TERMS, offer)
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

  async watch(key: TaskKey, watcher: string, lifetime: number): Promise<TaskView | undefined> {
    const reply = await this.#parts.store.watch(key, watcher, lifetime)
    return reply.status === 'ok' ? reply.view : undefined
  }

  list(scope: string): Promise<{ id: string; view: TaskView }[]> {
    return this.#parts.store.list(scope)
  }

  async run({ task, leg }: Wake, { deadline }: { deadline?: number | undefined } = {}): ReturnType<RunTask> {
    const key = readName(task)
    if (!key) return 'nothing'
    const { instance, store } = this.#parts
    const token = randomId(12)
    const sent = instance.clock.now()
    const reply = await store.get(key, TERMS, { owner: instance.name(token), leg })
    if (reply.status !== 'ok') return 'nothing'
    this.#tell(key, reply.watchers)
    const { view, claim } = reply
    if (!claim) return view.status === 'working' && view.leg === leg ? 'held' : 'nothing'
    await this.#resume(key, token, sent, claim, { deadline })
    return 'ran'
  }

  /** What this instance offers for a leg that nobody runs. */
  #offer(token: string): Offer | undefined {
    const { instance, executor } = this.#parts
    if (executor) return 'enqueue'
    return instance.draining || this.#legs >= MAX_LEGS ? undefined : { owner: instance.name(token) }
  }

  async #taken(key: TaskKey, token: string, sent: number, step: Step, caller: TaskCaller): Promise<void> {
    this.#tell(key, step.watchers ?? [])
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
    const { instance, executor, store, mayRunAgain } = this.#parts
    const owner: Owner = instance.name(token)
    const tell = (about: TaskKey, watchers: readonly string[]) => this.#tell(about, watchers)
    const report = (error: unknown) => instance.report(error)
    const run = new TaskRun(this.#parts, {
      ...{ token, claim, request, again: mayRunAgain(jsonRpcOf(request)), enqueues: executor !== undefined },
      caller: {
        ...{ principal: request.principal, client: caller.client, auth, deadline: caller.deadline },
        ...{ quota: caller.quota, held: caller.held },
        request: requestInfoOf(request, caller),
      },
      store: new LegStore({ store, key, owner, claimedAt, executor, tell, report, clock: instance.clock }),
    })
    this.#legs++
    return run.run().finally(() => this.#legs--)
  }

  /** Has those look at the task who wait for it. */
  #tell(key: TaskKey, watchers: readonly string[]): void {
    for (const to of watchers) void this.#parts.instance.send({ t: 'task', to, task: nameOf(key) })
  }
}

function requestInfoOf({ url }: TaskRequest, { request }: Partial<TaskCaller>): TaskCaller['request'] {
  return { headers: request?.headers ?? new Headers(), ...(url !== undefined && { url: new URL(url) }) }
}

/** The first leg, which the request that makes the task begins. */
function claimOf({ answers = [], results = [] }: MadeTask, request: string, { created, ttl }: TaskView): TaskClaim {
  return {
    ...{ leg: 1, attempt: 1, request, created, ttl },
    asks: new Map(answers.map(({ key, ask, value }) => [key, { ask, value }])),
    results: new Map(results.map(({ name, value }) => [name, value])),
  }
}
