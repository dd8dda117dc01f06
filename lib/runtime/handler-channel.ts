/** The common part of all channels: of session calls, stateless calls, and calls without a session. */
import type { Clock } from '../base/clock.ts'
import type { CallStart, RequestStart } from '../base/events.ts'
import type { FormerTrace } from '../base/tracing.ts'
import type { AuthInfo } from '../protocol/auth-info.ts'
import type { JsonRpcRequest, RequestId } from '../protocol/jsonrpc.ts'
import type { Announcer, RequestInfo } from '../server/context/client-channel.ts'
import type { Store } from '../store/store.ts'
import { type Handles, handleValues, type KeyValues, userValues } from '../store/values.ts'
import type { Afterwork } from './afterwork.ts'
import type { CallWatch, Dispatch } from './call-watch.ts'
import type { Caller } from './caller.ts'

/** The parts that all calls of an endpoint share. */
export interface SharedParts {
  store: Store
  announce: Announcer
  dispatch: Dispatch
  clock: Clock
  /** The work of `ctx.waitUntil`. */
  afterwork: Afterwork
}

type CallerView = Pick<Caller, 'principal' | 'auth' | 'request' | 'note' | 'quota' | 'held'>

export abstract class HandlerChannel {
  /** Set where somebody listens to the events of calls. */
  watch: CallWatch | undefined
  onAsk: ((answer: Promise<unknown>) => void) | undefined
  readonly #shared: SharedParts
  readonly #caller: CallerView
  readonly #request: JsonRpcRequest
  #abort: AbortController | undefined
  #once: Map<string, Promise<unknown>> | undefined

  constructor(shared: SharedParts, caller: CallerView, request: JsonRpcRequest) {
    this.#shared = shared
    this.#caller = caller
    this.#request = request
  }

  /** The call has ended: a signal that is made from now on is aborted. */
  protected abstract get over(): boolean

  get requestId(): RequestId {
    return this.#request.id
  }
  get method(): string {
    return this.#request.method
  }
  get sessionId(): string | undefined {
    return undefined
  }
  get event(): CallStart | undefined {
    return this.watch?.event
  }
  get note(): RequestStart | undefined {
    return this.#caller.note
  }
  get sessionKey(): string | undefined {
    return undefined
  }
  /** Another instance began the call, and this is its second run. */
  get takenOver(): boolean {
    return false
  }
  /** The call was suspended, and this run goes on with it. */
  get isWoken(): boolean {
    return false
  }
  get former(): FormerTrace | undefined {
    return undefined
  }
  get clock(): Clock {
    return this.#shared.clock
  }
  get principal(): string {
    return this.#caller.principal
  }
  get auth(): AuthInfo | undefined {
    return this.#caller.auth
  }
  get request(): RequestInfo {
    return this.#caller.request
  }
  get announce(): Announcer {
    return this.#shared.announce
  }
  get user(): KeyValues {
    return userValues(this.#shared.store, this.#caller.principal)
  }
  get handles(): Handles {
    return handleValues(this.#shared.store, this.#caller.principal)
  }
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.over && !this.#abort.signal.aborted) this.#abort.abort()
    return this.#abort.signal
  }

  /** Aborts the handler's signal, if it has asked for one. */
  abort(reason: string): void {
    this.watch?.abandoned()
    this.#abort?.abort(new DOMException(reason, 'AbortError'))
  }

  waitUntil(work: PromiseLike<unknown>): void {
    this.takePlace()
    this.#shared.afterwork.add(work, this.#request, () => this.givePlace())
  }

  leave(handler: Promise<unknown>, reason: DOMException): void {
    this.takePlace()
    const done = () => this.givePlace()
    handler.then(done, done)
    // Also for a handler that looks at its signal later.
    this.#abort ??= new AbortController()
    this.#abort.abort(reason)
  }

  /**
   * Work after the answer, also of a handler that did not end in time, counts as a call of its client until it settles: a client that
   * calls again and again would begin work without a bound.
   */
  protected takePlace(): void {
    this.#caller.quota?.begin()
    this.#caller.held?.retain()
  }
  protected givePlace(): void {
    this.#caller.quota?.end()
    this.#caller.held?.release()
  }

  once<T>(name: string, fn: () => T | Promise<T>, options: { single?: boolean } = {}): Promise<T> {
    this.#once ??= new Map()
    const once = this.#once
    const known = once.get(name) as Promise<T> | undefined
    if (known) return known
    const running = this.runOnce(name, fn, options)
    once.set(name, running)
    // A function that failed was not done: it may run again.
    running.catch(() => once.delete(name))
    return running
  }

  /** Runs `fn` of a name that this run has not met before. */
  protected async runOnce<T>(_name: string, fn: () => T | Promise<T>, _options: { single?: boolean }): Promise<T> {
    return fn()
  }
}
