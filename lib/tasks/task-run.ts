/**
 * A run of a leg: the handler, from its begin, with what the journal has. It holds the task's lease by renewing it; each step that
 * has an effect begins only while the lease holds by this process's own clock, which is never later than the store's.
 */
import { pause, type Timer } from '../base/clock.ts'
import { asError } from '../base/errors.ts'
import { toJson } from '../base/to-json.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import type { JsonObject, Result } from '../protocol/jsonrpc.ts'
import type { Revision } from '../protocol/revisions.ts'
import { compareLevels, type LoggingLevel } from '../protocol/types.ts'
import { askDigest } from '../runtime/ask-digest.ts'
import { OUT_OF_TIME } from '../runtime/error-text.ts'
import { HandlerChannel } from '../runtime/handler-channel.ts'
import type { RunningCall } from '../runtime/held.ts'
import type { Mail } from '../runtime/mail.ts'
import { before } from '../runtime/timers.ts'
import { type Ask, type ClientChannel, type ClientView, withMeta } from '../server/context/client-channel.ts'
import { AskPending } from '../server/context/errors.ts'
import type { TaskAsk, TaskEnd } from '../store/tasks.ts'
import type { KeyValues } from '../store/values.ts'
import {
  jsonRpcOf,
  type LegInput,
  type LegOfTask,
  legOf,
  lossOf,
  NOT_DURABLE,
  otherAsk,
  paramsOf,
  type RunParts,
} from './leg-request.ts'
import { entryOf } from './names.ts'
import { endOf, failed } from './outcome.ts'
import { answerIn } from './refused.ts'
import { saidBy } from './status-text.ts'
import { TaskOnce } from './task-once.ts'
import { ATTEND_AFTER, LAST_STEPS, MESSAGE_EVERY, renewEvery, TERMS } from './terms.ts'

export class TaskRun extends HandlerChannel implements ClientChannel, RunningCall {
  readonly token: string
  readonly #parts: RunParts
  readonly #input: LegInput
  readonly #pending = new Map<string, TaskAsk>()
  readonly #once: TaskOnce
  /** Nothing more of this run counts: the leg has another run, or ended. */
  #closed = false
  /** Why the task fails, whatever the handler returns. */
  #fatal: Error | undefined
  #said: ReturnType<typeof saidBy>
  #messageTimer: Timer | undefined
  #messageAt = Number.NEGATIVE_INFINITY
  #timers: (Timer | undefined)[] = []
  #ending: Promise<void> | undefined
  readonly #done = Promise.withResolvers<void>()

  constructor(parts: RunParts, input: LegInput) {
    const { request, caller, token } = input
    super(parts.shared, caller, jsonRpcOf(request))
    this.token = token
    this.#parts = parts
    this.#input = input
    this.#once = new TaskOnce({
      ...{ store: input.store, results: input.claim.results, isClosed: () => this.#closed },
      renew: () => this.#renew(),
      lost: (name, status) => this.#lost(name, status),
    })
  }

  protected get over(): boolean {
    return this.#closed
  }
  get revision(): Revision {
    return this.#input.request.revision
  }
  get client(): ClientView {
    return this.#input.request.client
  }
  override get sessionId(): string | undefined {
    return this.#input.request.session?.id
  }
  override get sessionKey(): string | undefined {
    return this.#input.request.session?.key
  }
  override get takenOver(): boolean {
    return this.#input.claim.attempt > 1
  }
  get legOfTask(): LegOfTask {
    return legOf(this.#input)
  }
  get session(): KeyValues | undefined {
    const { session } = this.#input.request
    return session && this.#parts.sessionValues?.(session)
  }

  async task(): Promise<boolean> {
    return true
  }

  /** Resolves when this process is done with the leg. A handler that ignores its signal may still run then. */
  run(): Promise<void> {
    void this.#run().catch((error: unknown) => this.#parts.instance.report(error))
    return this.#done.promise
  }

  async #run(): Promise<void> {
    const { instance, shared } = this.#parts
    const { request, caller } = this.#input
    const { clock, options } = instance
    instance.add('call', this)
    this.takePlace()
    this.#timers = [
      clock.every(renewEvery(TERMS), () => void this.#renew()),
      clock.after(ATTEND_AFTER, () => void instance.track(instance.attend().then(() => this.#renew()))),
      before(clock, caller.deadline, options.abandonBefore, 0.25, () => void this.#giveUp(OUT_OF_TIME, true)),
    ]
    let returned: Result | Error
    try {
      returned = await shared.dispatch(request.method, paramsOf(request), this)
    } catch (error) {
      returned = asError(error)
    }
    try {
      await this.#settle(returned)
    } finally {
      this.#close()
      this.givePlace()
      this.#leave()
    }
  }

  #leave(): void {
    this.#parts.instance.remove(this)
    this.#done.resolve()
  }

  /** @throws StoreUnavailable where the store did not take the end */
  async #settle(returned: Result | Error): Promise<void> {
    // What is under way belongs to this leg.
    const { busy } = this.#once
    while (busy.size > 0 && !this.#closed) await Promise.allSettled(busy)
    if (this.#ending) return this.#ending
    if (this.#closed) return
    const { instance } = this.#parts
    let end: TaskEnd
    if (this.#fatal) end = endOf(this.method, this.#fatal, (error) => instance.report(error))
    else if (this.#pending.size > 0) end = { kind: 'input', asks: [...this.#pending.values()] }
    else end = endOf(this.method, returned, (error) => instance.report(error))
    if (end.kind === 'failed') this.watch?.failed(returned instanceof Error ? returned : new Error(end.message))
    this.watch?.end(end.kind === 'input' ? 'input_required' : undefined)
    this.#stopTimers()
    await this.#input.store.end(end)
  }

  wants(level: LoggingLevel): boolean {
    return compareLevels(level, 'info') >= 0
  }

  ask(given: Ask): Promise<JsonObject> {
    if (this.#closed) return Promise.reject(new AskPending(given.key))
    if (given.waits) return Promise.reject(new Error(NOT_DURABLE))
    const { key, method, params } = given
    toJson(params ?? null, 'params')
    const entry = entryOf(key)
    const ask = askDigest(method, params)
    const known = this.#input.claim.asks.get(entry)
    if (known && known.ask !== ask) {
      this.#fatal ??= new ProtocolError(ErrorCode.InternalError, otherAsk(key))
      return Promise.reject(this.#fatal)
    }
    if (known?.value !== undefined) return answerIn(method, known.value)
    if (this.#pending.size >= this.#parts.maxAsks) {
      return Promise.reject(new RangeError(`A leg of a task may ask the client ${this.#parts.maxAsks} times.`))
    }
    const meta = given.sending?.()
    const request = JSON.stringify({
      key,
      method,
      ...(meta ? { params: withMeta(params, meta) } : params && { params }),
    })
    this.#pending.set(entry, { key: entry, ask, request })
    return Promise.reject(new AskPending(key))
  }

  protected override runOnce<T>(name: string, fn: () => T | Promise<T>, options: { single?: boolean }): Promise<T> {
    return this.#once.run(name, fn, options.single === true)
  }

  async notify(method: string, params: JsonObject): Promise<void> {
    const said = saidBy(this.#input.request, method, params)
    if (said === undefined || this.#closed) return
    // A message that follows at once goes out with the progress before it.
    this.#said = { ...this.#said, ...said }
    const { clock } = this.#parts.instance
    const wait = this.#messageAt + MESSAGE_EVERY - clock.now()
    if (this.#messageTimer === undefined) this.#messageTimer = clock.after(Math.max(0, wait), () => void this.#renew())
  }

  closeStream(): void {}

  /** Renews the lease, and stores the status message. False: this run has the leg no longer. */
  async #renew(): Promise<boolean> {
    if (this.#closed) return false
    const said = this.#said
    this.#said = undefined
    this.#messageTimer?.cancel()
    this.#messageTimer = undefined
    if (said !== undefined) this.#messageAt = this.#parts.instance.clock.now()
    try {
      const status = await this.#input.store.renew(said)
      if (status !== 'ok') this.#lost('', status)
    } catch {
      // The lease holds on for a while, or another run takes the leg.
      this.#said ??= said
    }
    return !this.#closed && this.#input.store.holds
  }

  /** The leg is no longer this run's. */
  #lost(name: string, status: string): AskPending {
    const { outcome, reason } = lossOf(status)
    this.watch?.end(outcome)
    this.#close(reason)
    this.#leave()
    return new AskPending(name)
  }

  #close(reason?: string): void {
    if (this.#closed) return
    this.#closed = true
    if (reason !== undefined) this.abort(reason)
    this.#stopTimers()
  }

  #stopTimers(): void {
    for (const timer of this.#timers) timer?.cancel()
    this.#messageTimer?.cancel()
    this.#timers = []
  }

  /** This process goes on no longer: another goes on, or the task fails where its handler must not run again. */
  #giveUp(why: string, counts: boolean): Promise<void> {
    if (this.#closed) return this.#ending ?? Promise.resolve()
    const { again, enqueues, store } = this.#input
    const busy = [...this.#once.busy]
    this.#close(why)
    this.watch?.end(again ? 'released' : 'abandoned')
    const end: TaskEnd = again ? { kind: 'released', counts, enqueue: enqueues } : failed(why)
    // The results of what is under way are kept, where they come at once.
    const settled = pause(this.#parts.instance.clock, LAST_STEPS)
    this.#ending = Promise.race([Promise.allSettled(busy), settled])
      .then(() => store.end(end))
      .catch((error: unknown) => this.#parts.instance.report(error))
      .then(() => this.#leave())
    return this.#ending
  }

  receive(mail: Mail): void {
    if (mail.t === 'cancel') this.#lost('', 'cancelled')
    if (mail.t === 'gone') this.#lost('', 'gone')
  }

  beat(): void {}

  abandon(): Promise<void> {
    this.#input.store.hurry()
    return this.#giveUp('The instance that ran this task was shut down.', false)
  }
}
