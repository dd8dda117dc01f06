/**
 * A run of a client's request in a session, which carries out what `state.ts` decides. A short call leaves no trace
 * outside this process. A call that sends something before its response, or takes longer than a moment, is registered at
 * the store: from then on cancels, answers and DELETE reach it from every instance, and its messages go to the log first.
 */
import { ErrorCode } from '../../protocol/errors.ts'
import { errorText, RawJson, resultBytes } from '../../protocol/jsonrpc.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { Mail } from '../../runtime/mail.ts'
import { AskPending } from '../../server/context/errors.ts'
import type { DurableAsk, StoreUnavailable } from '../../store/store.ts'
import type { SseResponse } from '../stream/sse-response.ts'
import { type SendingCall, SessionChannel } from './channel.ts'
import type { LegParts } from './durable-run.ts'
import { type CallParts, forgetRelayed, givePlace, mayPause, takePlace } from './host.ts'
import { CANCELLED, interruption, SHUT_DOWN } from './interruption.ts'
import { abandon, beat } from './on-demand.ts'
import { Pace, type PacedCall } from './pace.ts'
import { AutoProgress } from './progress.ts'
import { receive } from './receive.ts'
import { failureOf, refusalOf, responseTo } from './response.ts'
import { sessionMethod } from './session-methods.ts'
import type { CallEvent, CallState, Effect, Ending } from './state.ts'
import { CLAIMED, canSend, hasJsonResponse, isStored, next, outcomeOf, READY } from './state.ts'
import { CallStream, type Opened, type Reported, type StreamedCall } from './stream.ts'

const REGISTER_AGAIN = 1_000 // ms after a registration that failed

export class Call implements StreamedCall, PacedCall, SendingCall {
  readonly #parts: CallParts
  readonly #channel: SessionChannel
  readonly #progress: AutoProgress
  /** Where the call stands. No other field says so. */
  #state: CallState
  /** The response, once it is there. */
  #text: string | undefined
  /** Its result, where that is kept as JSON. */
  #ready: RawJson | undefined
  #streamed: CallStream | undefined
  #pace: Pace | undefined
  /** lingers: the call is over, and its handler, which has not settled, still takes a place. */
  #handler: 'none' | 'runs' | 'lingers' = 'none'

  constructor(parts: CallParts) {
    this.#parts = parts
    this.#state = parts.continued?.claimed ? CLAIMED : READY
    this.#progress = new AutoProgress(parts.request, parts.continued?.progress)
    this.#channel = new SessionChannel(this, parts, this.#progress)
  }

  /** A call that only carries the response of this one, on a stream that began after the response was there. */
  successor(): Call {
    return new Call({ ...this.#parts, successor: true })
  }

  get #instance(): Instance {
    return this.#parts.host.instance
  }

  get #stream(): CallStream {
    this.#streamed ??= new CallStream(this, this.#parts, this.#channel)
    return this.#streamed
  }

  get token(): string {
    return this.#stream.run.token
  }

  get state(): CallState {
    return this.#state
  }
  get over(): boolean {
    return this.#state.at === 'over'
  }
  get isStored(): boolean {
    return isStored(this.#state)
  }

  /** The call goes on elsewhere from its journal where it is abandoned. */
  get isDurable(): boolean {
    if (!this.isStored || !this.#channel.isDurable) return false
    return mayPause(this.#parts) || this.#streamed?.resumable === true
  }

  get legParts(): LegParts {
    return { call: this, stream: this.#stream, parts: this.#parts, channel: this.#channel, progress: this.#progress }
  }

  /** The response is there as JSON, or will be as soon as the store has ended the call. */
  get hasResponse(): boolean {
    return this.#state.at === 'ending' || hasJsonResponse(this.#state)
  }

  /** The call was refused, before its handler was called. */
  get full(): boolean {
    return this.#state.at === 'over' && this.#state.outcome === 'full'
  }

  /** The response as JSON. Undefined: there is none yet, or none at all, or it went out on a stream. */
  get text(): string | undefined {
    return hasJsonResponse(this.#state) ? this.#text : undefined
  }

  /** {@link text} as bytes, where the result is kept as JSON and is so long that this is less work. */
  get bytes(): (() => Uint8Array) | undefined {
    return this.#ready && resultBytes(this.#parts.request.id, this.#ready)
  }

  start(): void {
    const { method, params = {} } = this.#parts.request
    try {
      const own = sessionMethod(this.#parts, this.#channel)
      if (own) this.#parts.host.heard?.(method, params, this.#parts)
      // HTTP+SSE: the POST was acknowledged, so that a refusal goes where the response would.
      const refusal = own ? undefined : refusalOf(this.#parts)
      if (refusal) return this.#parts.continued ? this.respond(refusal) : this.#apply('full', refusal)
      this.#handler = 'runs'
      const result = own ?? this.#parts.host.dispatch(method, params, this.#channel)
      if (!(result instanceof Promise)) {
        if (result instanceof RawJson) this.#ready = result
        return this.#returned(responseTo(this.#parts, result, this.#channel.watch))
      }
      this.#apply('started')
      this.#pace = new Pace(this, this.#parts, this.#progress, isStored(this.#state))
      result.then(
        (value) => this.#returned(responseTo(this.#parts, value, this.#channel.watch)),
        (error) => this.#fail(error),
      )
    } catch (error) {
      this.#fail(error)
    }
  }

  /** The store should have the call. An append that is under way registers it itself. */
  registrationDue(): void {
    if (!this.#streamed?.outbox?.busy) this.#apply('registrationDue')
  }

  streamDue(): void {
    if (this.#state.at !== 'ending') this.#parts.carrier.beginStream()
  }

  /** Sends a message before the response. Resolves at once, or when the queue has room again. */
  async send(data: string, ask?: string | DurableAsk, say?: number): Promise<void> {
    if (!canSend(this.#state)) return
    this.#progress.messageSent()
    this.openQueue()
    await this.#streamed?.outbox?.push(data, ask, false, say)
  }

  /** Makes the queue in front of the log, where there is none. */
  openQueue(): void {
    if (this.#streamed?.outbox) return
    if (this.#parts.continued) this.openStream()
    else this.#parts.carrier.beginStream()
  }

  /** Ends the call with this response. The first response counts. */
  respond(text: string): void {
    if (this.#parts.continued && !this.over) this.openQueue()
    this.#apply('responded', text)
  }

  #fail(error: unknown): void {
    // Nothing failed: the run has ended, and a later one goes on.
    this.#returned(this.over && error instanceof AskPending ? '' : failureOf(this.#parts, error, this.#channel.watch))
  }

  /** The handler has settled, and this is its response. */
  #returned(text: string): void {
    if (this.#handler === 'lingers') givePlace(this.#parts)
    this.#handler = 'none'
    const { asking } = this.#channel
    if (asking) void asking.then(() => this.respond(text))
    else this.respond(text)
  }

  /** Ends the connection while the call goes on: the client comes back for the rest (2025-11-25). */
  closeStream(retryMs: number): void {
    if (!canSend(this.#state) || !mayPause(this.#parts)) return
    this.openQueue()
    void this.#stream.pause(retryMs)
  }

  /** Adds the call to a response that becomes a stream. Resolves when the store has the call. */
  connect(response: SseResponse): Promise<Opened> {
    return this.#stream.connect(response, this.#parts.host.takeOverFor(this.#parts.caller))
  }

  /** From now on messages and response go out on the stream. */
  openStream(): void {
    this.#apply('streamOpened')
  }

  /** The client cancelled the call: the handler's signal is aborted, and there is no response. */
  cancel(reason?: string): void {
    this.#apply('cancelled', undefined, reason)
  }

  receive(mail: Mail): void {
    receive(this, this.#parts, this.#channel, mail)
  }

  beat(): void {
    if (this.isStored && this.#state.at !== 'ending') void beat(this, this.#stream, this.#channel, this.#parts)
  }

  /** The instance or the platform gives the call no more time: it is handed over, or ends with an error. */
  async abandon(why = SHUT_DOWN): Promise<void> {
    if (!this.over) await abandon(this, () => this.#streamed, this.#channel, this.#parts, why)
  }

  release(why: string): void {
    this.#apply('released', undefined, why)
  }

  report(event: Reported): void {
    if (event === 'responseLogged') forgetRelayed(this.#parts)
    this.#apply(event)
  }

  giveUp(message: string): void {
    this.respond(errorText({ code: ErrorCode.InternalError, message }, this.#parts.request.id))
    this.#channel.abort(message)
  }

  interrupt(ending: Ending, trouble?: StoreUnavailable): void {
    const { text, reason } = interruption(ending, this.#parts.request.id, trouble)
    // A successor sends nothing but the response, which its client can have without the log.
    const own = ending === 'unreachable' && this.#parts.successor ? this.#text : text
    this.#apply(ending, own, reason)
  }

  /** `text`: the response that comes with the event; `reason`: why the handler is aborted, where it is. */
  #apply(event: CallEvent, text?: string, reason = CANCELLED): void {
    const { state, effects } = next(this.#state, event)
    if (state === this.#state && effects.length === 0) return
    this.#state = state
    if (text !== undefined) this.#text = text
    for (const effect of effects) this.#do(effect, reason)
  }

  #do(effect: Effect, reason: string): void {
    const { host, caller } = this.#parts
    const text = this.#text ?? ''
    switch (effect) {
      case 'count':
        return takePlace(this.#parts)
      case 'countRegistered':
        return caller.quota?.registered(this.#stream.owner)
      case 'uncount':
        if (this.#streamed) caller.quota?.unregistered(this.#streamed.owner)
        if (this.#handler === 'none') return givePlace(this.#parts)
        this.#handler = 'lingers'
        return
      case 'register':
        return this.#stream.register()
      case 'registerLater':
        return void host.instance.clock.after(REGISTER_AGAIN, () => this.registrationDue())
      case 'registerIfQuiet':
        return queueMicrotask(() => this.registrationDue())
      case 'confirm':
        this.#pace?.registered()
        return this.#stream.confirm()
      case 'openOutbox':
        return this.#stream.openOutbox(isStored(this.#state))
      case 'hold':
      case 'unhold':
        return this.#streamed?.outbox?.hold(effect === 'hold')
      case 'sendResponse':
        void this.#stream.outbox?.push(text, undefined, true)
        return this.#pace?.stop()
      case 'endAtStore':
        return void this.#stream.end().then((cancelled) => this.#apply(cancelled ? 'endedCancelled' : 'ended'))
      case 'endCancelled':
        return this.#stream.endCancelled()
      case 'endLater':
        return this.#stream.endLater()
      case 'release':
        return this.#stream.release()
      case 'settle':
        this.#pace?.stop()
        this.#channel.ended(outcomeOf(this.#state))
        if (this.#streamed) this.#instance.remove(this)
        return this.#parts.carrier.settled(this)
      case 'stop':
        this.#streamed?.outbox?.close()
        return this.#channel.abort(reason)
      case 'reportSessionGone':
        return this.#parts.carrier.sessionGone()
      case 'closeStream':
        return this.#streamed?.close(this.#state.at === 'over' && this.#state.outcome === 'gone')
      case 'failStream':
        return this.#stream.fail(text)
      case 'readStream':
        return this.#stream.readLog()
    }
  }
}
