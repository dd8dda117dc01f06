/**
 * The part of a call that others see: its names, its registration at the store, the queue in front of its log, and the
 * connection of the client that sent it. Made when a call first needs one of them.
 */
import { randomId } from '../../base/ids.ts'
import { TOO_MUCH } from '../../runtime/error-text.ts'
import type { RunningCall } from '../../runtime/held.ts'
import type { Instance } from '../../runtime/instance.ts'
import { lifetimeOf } from '../../runtime/lifetime.ts'
import type { CallLook, Kept } from '../../store/calls.ts'
import type { Owner, Registration, Store, StoreUnavailable } from '../../store/store.ts'
import { Connection, type TakeOver } from '../stream/connection.ts'
import { newStreamName } from '../stream/event-id.ts'
import type { SseResponse } from '../stream/sse-response.ts'
import type { SessionChannel } from './channel.ts'
import { endLater, finishLater } from './end-later.ts'
import { type CallParts, scopesOfCall } from './host.ts'
import { lastOf } from './message-queue.ts'
import { Outbox } from './outbox.ts'
import { registrationOf } from './registration.ts'
import { RunName } from './run-name.ts'
import type { Ending } from './state.ts'

/** The reply of the store to the registration of a call that streams. The POST is answered accordingly. */
export type Opened = 'ok' | 'gone' | 'cancelled'

export type Reported = 'registered' | 'registrationFailed' | 'responseLogged' | 'suspending' | 'resumed' | 'suspended'

type RegisterBy = (store: Store, registration: Registration) => ReturnType<Store['register']>

/** The call, as its stream reports to it. */
export interface StreamedCall extends RunningCall {
  /** The store has the call, as far as this process has heard. */
  readonly isStored: boolean
  /** The store should have the call. */
  registrationDue(): void
  report(event: Reported): void
  /** Ends the call with an error, and aborts its handler. */
  giveUp(message: string): void
  /** The store, or another instance, ends the call. */
  interrupt(ending: Ending, trouble?: StoreUnavailable): void
}

export class CallStream {
  readonly name: string
  readonly run: RunName
  readonly #call: StreamedCall
  readonly #parts: CallParts
  readonly #channel: SessionChannel
  readonly #connectionToken = randomId(6)
  #outbox: Outbox | undefined
  #connection: Connection | undefined
  /** The store has the request, so that another run can go on with the call. */
  #isKept = false
  /** A step of the store that registers the call on its way. */
  #by: RegisterBy | undefined
  /** The last request to register the call. */
  #registration: Promise<void> | undefined
  #opened: ((opened: Opened) => void) | undefined

  constructor(call: StreamedCall, parts: CallParts, channel: SessionChannel) {
    this.#call = call
    this.#parts = parts
    this.#channel = channel
    this.name = parts.continued?.stream ?? newStreamName(parts.session, parts.request.id, scopesOfCall(parts))
    this.run = new RunName(parts.host.instance, parts.continued?.token, parts.continued?.lapses)
  }

  get #instance(): Instance {
    return this.#parts.host.instance
  }
  get owner(): Owner {
    return this.run.owner
  }
  get isKept(): boolean {
    return this.#isKept || this.#parts.continued?.claimed === true
  }

  // The registration -------------------------------------------------------------------------------------------

  /** Asks the store to register the call, and reports the reply. */
  register(): void {
    this.#registration = this.#register(this.#by)
  }

  async #register(by: RegisterBy | undefined): Promise<void> {
    try {
      this.#instance.add('call', this.#call)
      const store = await this.#instance.attend()
      const { session } = this.#parts
      const register = this.#registrationRequest()
      const reply = await (by ? by(store, register) : store.register(session.key, register))
      if (reply.status !== 'ok') return this.#call.interrupt(reply.status)
      this.#call.report('registered')
      this.#channel.setLevel(reply.level)
      if (reply.cancelled) this.#call.interrupt('cancelled')
    } catch (error) {
      this.#instance.report(error)
      this.#call.report('registrationFailed')
    }
  }

  /** Registers the call by another step of the store, unless that is under way or done. Resolves when the store has replied. */
  registerBy(by: RegisterBy): Promise<void> {
    this.#by = by
    this.#call.registrationDue()
    this.#by = undefined
    return this.settled()
  }

  #registrationRequest(): Registration {
    const holder = this.#instance.name(this.#connectionToken)
    const { name: stream, owner } = this
    const { isDurable: durable } = this.#channel
    const registration = registrationOf(this.#parts, this.#channel, { stream, owner, holder, durable })
    this.run.given()
    this.#isKept = registration.request !== undefined
    return registration
  }

  /** The store has the call: event ids may leave. */
  confirm(): void {
    this.#outbox?.registered()
    this.#connection?.confirm()
    this.#opened?.('ok')
  }

  /** The heartbeat's look at the store. */
  async look(asks: string[]): Promise<CallLook> {
    const { options, store } = this.#instance
    const { session } = this.#parts
    const lifetime = lifetimeOf(session, options)
    const { owner } = this
    const { isDurable } = this.#channel
    const reply = await store.lookCall(session.key, this.name, owner, asks, lifetime, options.maxLifetime, isDurable)
    if (reply.status === 'ok') this.#reportKept(reply)
    else if (await this.run.isRenamed(owner)) return this.look(asks)
    return reply
  }

  #reportKept(kept: Kept): void {
    this.#instance.stored.report(this.#parts.caller.client, this.#parts.session.key, kept)
  }

  // The stream -------------------------------------------------------------------------------------------------

  /** Makes the connection of the client that sent the request. Resolves when the store has the call. */
  connect(response: SseResponse, takeOver: TakeOver): Promise<Opened> {
    this.#connection = new Connection(
      this.#instance,
      this.#parts.session,
      this.name,
      response,
      takeOver,
      this.#connectionToken,
    )
    this.#connection.open()
    return new Promise((resolve) => (this.#opened = resolve))
  }

  /** Makes the queue in front of the log. `stored`: the store has the call, so that no append needs to register it. */
  openOutbox(stored: boolean): void {
    const call = this.#call
    this.#instance.add('call', call)
    this.#outbox = new Outbox(this.#instance, this.#parts.session, {
      stream: this.name,
      owner: () => this.owner,
      renamed: (owner) => this.run.isRenamed(owner),
      durable: () => this.#channel.isDurable,
      register: stored ? undefined : this.#registrationRequest(),
      registration: () => this.#registration,
      from: this.#parts.continued?.from ?? 1,
      asks: () => this.#channel.askIds,
      onEnding: (ending, trouble) => call.interrupt(ending, trouble),
      onRegistered: () => call.report('registered'),
      onDone: () => call.report('responseLogged'),
      onOverflow: () => call.giveUp(TOO_MUCH),
      onLevel: (level) => this.#channel.setLevel(level),
      onKept: (kept) => this.#reportKept(kept),
      relay: this.#parts.continued?.relay,
    })
  }

  /** The queue in front of the log, once it is made. */
  get outbox(): Outbox | undefined {
    return this.#outbox
  }

  /** Whether the client can come back for the rest where its connection is closed now. */
  get resumable(): boolean {
    return !this.#connection || this.#connection.done
  }

  /** Has the connection that holds the stream close with this `retry`. The call goes on. */
  async pause(retryMs: number): Promise<void> {
    await this.#outbox?.flushed()
    // The client may have come back to another connection since the store last named one.
    const look = await this.look([]).catch((error) => this.#instance.report(error))
    const known = this.#outbox?.holder ?? this.#connection?.holder ?? this.#parts.continued?.holder
    const holder = look?.status === 'ok' ? look.holder : known
    if (holder !== undefined) void this.#instance.send({ t: 'close', to: holder, retry: retryMs })
  }

  // The end ----------------------------------------------------------------------------------------------------

  /** Ends a call that has sent nothing. True if the client's cancel was stored before. */
  async end(): Promise<boolean> {
    const { key } = this.#parts.session
    if (this.run.settled) await this.run.settled
    try {
      const reply = await this.#instance.store.endCall(key, this.#ended(false))
      return reply.status === 'ok' && reply.cancelled
    } catch (error) {
      this.#instance.report(error)
      this.endLater()
      return false
    }
  }

  /** Ends the cancelled call at the store, in the background, and then the stream. */
  endCancelled(): void {
    let known = false
    const end = async () => {
      await this.settled()
      const call = this.#ended(this.#connection !== undefined || this.#parts.continued !== undefined)
      const ended = this.#instance.store.endCall(this.#parts.session.key, call)
      const reply = await ended.catch((error) => {
        endLater(this.#instance, this.#parts.session.key, call)
        this.#connection?.vanish()
        throw error
      })
      known = reply.status === 'ok'
      this.#connection?.confirm()
      const holder = reply.status === 'ok' ? reply.holder : undefined
      if (holder !== undefined) await this.#instance.send({ t: 'look', to: holder })
      else if (known) this.#connection?.finish()
      else this.#connection?.vanish()
    }
    // No event id leaves unless the store has had the call: the client would get an error for it where it resumes.
    this.#instance.track(end().finally(() => this.#opened?.(known ? 'ok' : 'cancelled')))
  }

  /** Has the store end the call as soon as the store answers. */
  endLater(): void {
    endLater(this.#instance, this.#parts.session.key, this.#ended(false))
  }

  #ended(mark: boolean) {
    const { isDurable: durable, askIds: forget } = this.#channel
    return { stream: this.name, owner: this.owner, mark, durable, forget }
  }

  /** Resolves when the store has replied to the registration, and everything queued so far is in the log. */
  async settled(): Promise<void> {
    if (this.run.settled) await this.run.settled
    await this.#registration
    await this.#outbox?.flushed()
  }

  /** Lets another instance take the call over. */
  release(): void {
    const { store } = this.#instance
    const holder = this.#outbox?.holder
    const released = store.releaseCall(this.#parts.session.key, this.name, this.owner).then(async () => {
      if (holder !== undefined) await this.#instance.send({ t: 'look', to: holder })
    })
    void this.#instance.track(released.finally(() => this.#opened?.('ok')))
  }

  /** The stream ends without a message; `gone`: since its session has. */
  close(gone: boolean): void {
    if (gone) this.#instance.stored.gone(this.#parts.caller.client, this.#parts.session.key)
    this.#connection?.finish()
    this.#opened?.(gone ? 'gone' : 'ok')
  }

  /** The store does not answer: the client gets the error, and a client that resumes the call later finds it. */
  fail(text: string): void {
    const { isDurable: durable, askIds: forget } = this.#channel
    const last = { stream: this.name, owner: this.owner, text, durable, forget }
    void finishLater(this.#instance, this.#parts.session.key, last)
    const { relay } = this.#parts.continued ?? {}
    // HTTP+SSE: the client waits for it on the session's one stream.
    if (relay) this.#instance.retry.add(() => relay(text, lastOf(this.name)))
    this.#opened?.('ok')
    this.#connection?.confirm()
    this.#connection?.fail(text)
  }

  /** Another run goes on with the call: the connection reads what that logs. */
  readLog(): void {
    this.#opened?.('ok')
    this.#connection?.look()
  }
}
