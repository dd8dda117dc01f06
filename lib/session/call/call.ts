/**
 * One run of one client request, and the handler's way to the client. A short call leaves no trace outside this
 * process. One that says something before its result, or takes longer than a moment, registers itself: from then on
 * cancels, answers and DELETE reach it whichever instance they arrive at, and its messages go to the log first.
 */
import type { Timer } from '../../base/clock.ts'
import { randomId } from '../../base/ids.ts'
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import type { JsonObject, JsonRpcRequest, RequestId } from '../../protocol/jsonrpc.ts'
import {
  errorText,
  isObject,
  notificationText,
  RawJson,
  resultBytes,
  resultText,
  typedId,
} from '../../protocol/jsonrpc.ts'
import { isAtLeast, type Revision } from '../../protocol/revisions.ts'
import type { LoggingLevel } from '../../protocol/types.ts'
import { compareLevels } from '../../protocol/types.ts'
import type { Caller } from '../../runtime/caller.ts'
import type { Instance, RunningCall } from '../../runtime/instance.ts'
import type { Mail } from '../../runtime/mail.ts'
import { lifetimeOf } from '../../runtime/options.ts'
import type { Announcer, Ask, ClientChannel } from '../../server/context/client-channel.ts'
import { AskError } from '../../server/context/errors.ts'
import type { Holder, Owner, Registration, Store } from '../../store/store.ts'
import { StoreUnavailable } from '../../store/store.ts'
import type { Handles, KeyValues } from '../../store/values.ts'
import { handleValues, userValues } from '../../store/values.ts'
import type { Adopt } from '../stream/connection.ts'
import { Connection } from '../stream/connection.ts'
import { newStreamName } from '../stream/event-id.ts'
import type { Session } from '../stream/session.ts'
import { sessionData } from '../stream/session.ts'
import type { Feed } from '../stream/sse-response.ts'
import { Asks } from './asks.ts'
import { type Carrier, continuedCarrier } from './exchange.ts'
import { oweEnd, oweLastWord } from './last-message.ts'
import type { Ending } from './outbox.ts'
import { Outbox } from './outbox.ts'
import { AutoProgress } from './progress.ts'
import { sessionMethod } from './session-methods.ts'

/** What all calls of an endpoint share. */
export interface CallHost {
  instance: Instance
  announce: Announcer
  /** Hands the request to the author's server. */
  dispatch(
    method: string,
    params: JsonObject,
    channel: ClientChannel,
  ): JsonObject | RawJson | Promise<JsonObject | RawJson>
  /** Whether the call may be run again on another instance when this one dies. */
  mayRunAgain(request: JsonRpcRequest): boolean
  adoptFor(caller: Caller): Adopt
}

/** A call that goes on where another run stopped, or that is known by another name from the start. */
export interface Continuation {
  stream: string
  token: string
  /** The number of the first message. */
  from: number
  /** The greatest progress that the client was told. */
  progress: number | undefined
  /** The store knows the run already: it was claimed. */
  registered: boolean
  /** Who holds the stream. */
  holder?: Holder | undefined
  relay?: ((data: string, id: string) => Promise<void>) | undefined
}

/** How long a page that was opened may take to be done with, in ms. */
const ELICITATION_LIFETIME = 24 * 60 * 60_000

type Stage = 'running' | 'over'

export class Call implements ClientChannel, RunningCall {
  readonly #host: CallHost
  readonly #session: Session
  readonly #caller: Caller
  readonly #carrier: Carrier
  readonly #request: JsonRpcRequest
  #asks: Asks | undefined
  readonly #progress: AutoProgress
  #stream: string | undefined
  #token: string | undefined
  readonly #continued: Continuation | undefined
  #level: LoggingLevel | undefined
  #stage: Stage = 'running'
  #text: string | undefined
  #ready: RawJson | undefined
  #abort: AbortController | undefined
  #once: Map<string, Promise<unknown>> | undefined
  #timer: Timer | undefined
  #deadline: Timer | undefined
  #outbox: Outbox | undefined
  #connection: Connection | undefined
  #connectionToken = ''
  #registering: Promise<void> | undefined
  #registered = false
  #early = false
  #counted = false
  #asked = 0
  #full = false
  /** The store is being told of its end; the answer is JSON. */
  #ending: Promise<void> | undefined
  /** Its stream waits for what is under way at the store. */
  #beginning: Promise<void> | undefined
  /** A registration failed, and may have been done all the same. */
  #doubtful = false
  #opened: ((state: 'ok' | 'gone' | 'refused') => void) | undefined

  constructor(
    host: CallHost,
    session: Session,
    request: JsonRpcRequest,
    caller: Caller,
    carrier: Carrier,
    continued?: Continuation,
  ) {
    this.#host = host
    this.#session = session
    this.#request = request
    this.#caller = caller
    this.#carrier = carrier
    this.#continued = continued
    this.#level = session.level
    this.#progress = new AutoProgress(request, continued?.progress)
    this.#stream = continued?.stream
    this.#token = continued?.token
    this.#registered = continued?.registered ?? false
  }

  /** A call of HTTP+SSE (2024-11-05): what it says is relayed to the session's one stream. */
  static relayed(
    host: CallHost,
    session: Session,
    request: JsonRpcRequest,
    caller: Caller,
    relay: (data: string, id: string) => Promise<void>,
  ): Call {
    const stream = newStreamName(request.id)
    const token = randomId(6)
    const continued = { stream, token, from: 1, progress: undefined, registered: false, relay }
    return new Call(host, session, request, caller, continuedCarrier, continued)
  }

  // Names, made when first asked for: a short call needs none of them.

  get stream(): string {
    this.#stream ??= newStreamName(this.#request.id)
    return this.#stream
  }
  get token(): string {
    this.#token ??= randomId(6)
    return this.#token
  }
  get owner(): Owner {
    return this.#host.instance.name(this.token)
  }

  /** Ends the call with this response, without running it. */
  answer(text: string): void {
    this.#finish(text)
  }

  // What the handler sees ---------------------------------------------------------------------------------------

  get revision(): Revision {
    return this.#session.revision
  }
  get client() {
    return this.#session.client
  }
  get requestId(): RequestId {
    return this.#request.id
  }
  get auth() {
    return this.#caller.auth
  }
  get request() {
    return this.#caller.request
  }
  get announce() {
    return this.#host.announce
  }
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#stage === 'over' && !this.#abort.signal.aborted) this.#abort.abort()
    return this.#abort.signal
  }
  get session(): KeyValues {
    return sessionData(this.#store, this.#session.key)
  }
  get user(): KeyValues {
    return userValues(this.#store, this.#caller.principal)
  }
  get handles(): Handles {
    return handleValues(this.#store, this.#caller.principal)
  }

  wants(level: LoggingLevel): boolean {
    return this.#level === undefined || compareLevels(level, this.#level) >= 0
  }

  async notify(method: string, params: JsonObject): Promise<void> {
    if (this.over || !this.#carrier.streams) return
    if (method === 'notifications/progress' && !this.#progress.tell(params)) return
    await this.#say(notificationText(method, params))
  }

  async ask(ask: Ask): Promise<JsonObject> {
    this.#requireRunning()
    if (!this.#carrier.streams) {
      const why = 'the client accepts JSON alone, so nothing can be asked of it during a call'
      throw new AskError('unreachable', `${ask.method}: ${why}.`)
    }
    const { maxAsks } = this.#host.instance.options
    if (++this.#asked > maxAsks) throw new RangeError(`A call may ask the client ${maxAsks} times.`)
    const timeout = ask.timeout ?? this.#host.instance.options.askTimeout
    await this.#expectCompletion(ask)
    this.#requireRunning()
    this.#asks ??= new Asks(this.#host.instance, this.#session.key)
    const { id, answer } = this.#asks.open(ask.method, timeout, (text) => void this.#say(text))
    const message = { jsonrpc: '2.0', id, method: ask.method, ...(ask.params && { params: ask.params }) }
    await this.#say(JSON.stringify(message), id)
    return answer
  }

  /** URL mode: who completes it knows the elicitation's id alone; it may do so on any instance. */
  async #expectCompletion({ params }: Ask): Promise<void> {
    const id = params?.elicitationId
    if (typeof id === 'string') await this.#store.setValue('elic', id, this.#session.key, ELICITATION_LIFETIME)
  }

  once<T>(name: string, fn: () => T | Promise<T>): Promise<T> {
    this.#once ??= new Map()
    let kept = this.#once.get(name) as Promise<T> | undefined
    if (!kept) {
      kept = (async () => fn())()
      this.#once.set(name, kept)
    }
    return kept
  }

  closeStream(retryMs: number = this.#host.instance.options.retry): void {
    if (this.over || this.#ending || !this.#carrier.streams) return
    if (!isAtLeast(this.revision, '2025-11-25') || this.#session.legacy) return
    const close = async () => {
      if (!this.#ensureOutbox()) await this.#registering
      await this.#outbox?.flushed()
      // The client may have come back to another connection since the store last named one.
      const { instance } = this.#host
      const look = await this.#store
        .lookCall(this.#session.key, this.stream, this.owner, [], this.#lifetime)
        .catch((error) => instance.report(error))
      const known = this.#outbox?.holder ?? this.#connection?.holder ?? this.#continued?.holder
      const holder = look?.status === 'ok' ? look.holder : known
      if (holder !== undefined) this.#host.instance.tell({ t: 'close', to: holder, retry: retryMs })
    }
    void close()
  }

  // Its course --------------------------------------------------------------------------------------------------

  /** It has its result, or will have none. */
  get over(): boolean {
    return this.#stage === 'over'
  }

  /** It was refused because the session has too many calls. */
  get full(): boolean {
    return this.#full
  }

  /** The response, once it is there. */
  get text(): string | undefined {
    return this.#text
  }

  /** {@link text} as bytes, where its result was ready and is so long that this is less work. */
  get bytes(): (() => Uint8Array) | undefined {
    return this.#ready && resultBytes(this.requestId, this.#ready)
  }

  get #lifetime(): number {
    return lifetimeOf(this.#session, this.#host.instance.options)
  }

  get #store(): Store {
    return this.#host.instance.store
  }

  start(): void {
    try {
      const { method, params = {} } = this.#request
      const result =
        sessionMethod(this.#host.instance, this.#session.key, method, params) ??
        this.#host.dispatch(method, params, this)
      if (!(result instanceof Promise)) {
        if (result instanceof RawJson) this.#ready = result
        return this.#finish(resultText(this.requestId, result))
      }
      const { instance } = this.#host
      this.#caller.load?.begin()
      this.#counted = true
      if (!this.#registered) {
        this.#early = true
        instance.early.set(this.#earlyKey, this)
      }
      this.#timer = instance.clock.after(instance.options.registerAfter, () => this.#slow())
      const { abandonBefore } = instance.options
      this.#deadline = instance.before(this.#caller.deadline, abandonBefore, 0.25, () => {
        instance.track(this.abandon(OUT_OF_TIME))
      })
      result.then(
        (value) => this.#finish(resultText(this.requestId, value)),
        (error) => this.#finish(this.#errorFor(error)),
      )
    } catch (error) {
      this.#finish(this.#errorFor(error))
    }
  }

  get #earlyKey(): string {
    return `${this.#session.key}${typedId(this.requestId)}`
  }

  #errorFor(error: unknown): string {
    if (error instanceof ProtocolError) return errorText(error.toObject(), this.requestId)
    this.#host.instance.report(error)
    const message =
      error instanceof StoreUnavailable ? 'The store did not answer; try again.' : 'The server failed to answer.'
    return errorText({ code: ErrorCode.InternalError, message }, this.requestId)
  }

  #finish(text: string): void {
    if (this.over) return
    if (this.#outbox || this.#continued) {
      void this.#ensureOutbox()?.push(text, undefined, true)
      this.#quiet()
    } else if (this.#registered || this.#registering || this.#beginning) void this.#finishRegistered(text)
    else {
      this.#settle(text)
      if (!this.#doubtful) return
      const call = { stream: this.stream, owner: this.owner, mark: false }
      oweEnd(this.#host.instance, this.#session.key, call)
    }
  }

  /** It was registered, but has said nothing: the answer is JSON, unless a cancel came first. */
  async #finishRegistered(text: string): Promise<void> {
    await this.#registering
    await this.#beginning
    // The first end counts: a call that runs out of time may still return.
    if (this.over || this.#ending) return
    if (this.#outbox) return this.#finish(text)
    this.#ending = this.#endRegistered(text)
  }

  async #endRegistered(text: string): Promise<void> {
    const { key } = this.#session
    const call = { stream: this.stream, owner: this.owner, mark: false, forget: this.#asks?.ids }
    const ended = this.#store.endCall(key, call)
    if (this.#carrier.streams) this.#releaseHolder()
    const reply = await ended.catch((error) => {
      this.#host.instance.report(error)
      oweEnd(this.#host.instance, key, call)
    })
    // The client's cancel was stored before the result was: no response.
    this.#settle(reply?.status === 'ok' && reply.cancelled ? undefined : text)
  }

  #releaseHolder(): void {
    const holder = this.#host.instance.name(this.#connectionToken)
    this.#host.instance.track(this.#store.release(this.#session.key, this.stream, holder))
  }

  /** The end of the run in this process. */
  #settle(text: string | undefined): void {
    if (this.over) return
    this.#stage = 'over'
    this.#text = text
    this.#quiet()
    this.#asks?.abandon()
    this.#uncount()
    // Without a token it was never added.
    if (this.#token !== undefined) this.#host.instance.remove(this)
    this.#carrier.settled(this)
  }

  #uncount(): void {
    const { load } = this.#caller
    if (!load) return
    if (this.#counted) load.end()
    this.#counted = false
    if (this.#registered) load.unregistered(this.owner)
  }

  #quiet(): void {
    this.#timer?.cancel()
    this.#deadline?.cancel()
    this.#forgetEarly()
  }

  #forgetEarly(): void {
    if (!this.#early) return
    this.#early = false
    this.#host.instance.forgetEarly(this.#earlyKey, this)
  }

  // Registration and the stream ---------------------------------------------------------------------------------

  #slow(): void {
    if (this.over) return
    const { clock, options } = this.#host.instance
    if (!this.#outbox) this.#registerSoon()
    if (!this.#carrier.streams) return
    this.#timer = clock.after(Math.max(0, options.streamAfter - options.registerAfter), () => {
      if (this.#ending) return
      this.#carrier.beginStream()
      this.#keepTelling()
    })
    if (this.#progress.wanted && options.autoProgress > 0 && options.autoProgress < options.streamAfter) {
      this.#keepTelling()
    }
  }

  #keepTelling(): void {
    const { clock, options } = this.#host.instance
    if (this.over || !this.#progress.wanted || options.autoProgress <= 0) return
    this.#timer?.cancel()
    this.#timer = clock.after(options.autoProgress, () => {
      if (this.over) return
      const params = this.#progress.tick()
      if (params) void this.#say(notificationText('notifications/progress', params))
      this.#keepTelling()
    })
  }

  #registration(): Registration {
    const { instance } = this.#host
    this.#connectionToken ||= randomId(6)
    return {
      id: typedId(this.requestId),
      stream: this.stream,
      owner: this.owner,
      holder: this.#carrier.streams && !this.#continued?.relay ? instance.name(this.#connectionToken) : undefined,
      request: this.#host.mayRunAgain(this.#request) ? JSON.stringify(this.#request) : undefined,
      max: instance.options.maxCalls,
    }
  }

  #registerSoon(): void {
    if (!this.#registered && !this.over && !this.#ending) this.#registering ??= this.#register()
  }

  async #register(): Promise<void> {
    const { instance } = this.#host
    try {
      instance.add('call', this)
      await instance.attend()
      const reply = await this.#store.register(this.#session.key, this.#registration())
      if (reply.status !== 'ok') return this.#ended(reply.status)
      this.#onRegistered()
      this.#onLevel(reply.level)
      if (reply.cancelled) this.cancel()
    } catch (error) {
      // It runs on as a short call does; the first message, or the next attempt, registers it. The store may know it.
      instance.report(error)
      this.#doubtful = true
      this.#registering = undefined
      instance.clock.after(1_000, () => this.#registerSoon())
    }
  }

  #onRegistered(): void {
    if (this.#registered) return
    this.#registered = true
    if (!this.over) this.#caller.load?.registered(this.owner)
    this.#outbox?.markRegistered()
    this.#forgetEarly()
    this.#connection?.confirm()
    this.#opened?.('ok')
  }

  #onLevel(level: string | undefined): void {
    if (level !== undefined) this.#level = level as LoggingLevel
  }

  /** Makes the connection and the queue of this call. Resolves when the store knows the call. */
  openStream(feed: Feed): Promise<'ok' | 'gone' | 'refused'> {
    const { instance } = this.#host
    if (this.over || this.#ending) this.#rename()
    const registration = this.#registration()
    const adopt = this.#host.adoptFor(this.#caller)
    const token = this.#connectionToken
    this.#connection = new Connection(instance, this.#session, this.stream, feed, adopt, token)
    this.#connection.open()
    const opened = new Promise<'ok' | 'gone' | 'refused'>((resolve) => (this.#opened = resolve))
    const begin = () => {
      // Cancelled, or its session ended, before the stream began: nothing comes from it.
      if (this.over && this.#text === undefined) {
        this.#connection?.finish()
        return this.#opened?.('ok')
      }
      if (this.#registered) {
        this.#connection?.confirm()
        this.#opened?.('ok')
      }
      this.#makeOutbox(this.#registered ? undefined : registration, 1)
      if (this.over && this.#text !== undefined) this.#reopen(this.#text)
      // What is said in this turn registers the call on its way; where nothing is, it is registered for itself.
      else queueMicrotask(() => !this.#outbox?.busy && this.#registerSoon())
    }
    this.#beginning = (this.#ending ?? this.#registering)?.then(begin)
    if (!this.#beginning) begin()
    return opened
  }

  /**
   * A batch begins to stream when this call has its result already. The store has forgotten the call, or is about to:
   * its result goes through the log like the others, under a name of its own.
   */
  #rename(): void {
    if (this.#registered) this.#caller.load?.unregistered(this.owner)
    if (this.#token !== undefined) this.#host.instance.remove(this)
    this.#registered = false
    this.#registering = undefined
    this.#stream = undefined
    this.#token = undefined
    this.#connectionToken = ''
  }

  #reopen(text: string): void {
    this.#stage = 'running'
    this.#result = text
    void this.#outbox?.push(text, undefined, true)
  }
  /** The result that a stream carries which began after it was there. */
  #result: string | undefined

  #makeOutbox(register: Registration | undefined, from: number): Outbox {
    const { instance } = this.#host
    instance.add('call', this)
    this.#outbox = new Outbox(instance, this.#session, {
      stream: this.stream,
      owner: this.owner,
      register,
      from,
      asks: () => this.#asks?.ids ?? [],
      onEnding: (ending) => this.#ended(ending),
      onRegistered: () => this.#onRegistered(),
      onDone: () => this.#settle(undefined),
      onLevel: (level) => this.#onLevel(level),
      relay: this.#continued?.relay,
    })
    return this.#outbox
  }

  async #say(data: string, ask?: string): Promise<void> {
    if (this.over || this.#ending) return
    this.#progress.said()
    // The stream waits for a registration that is under way.
    if (!this.#ensureOutbox() && this.#registering) await this.#registering
    await this.#outbox?.push(data, ask)
  }

  #ensureOutbox(): Outbox | undefined {
    if (this.#outbox) return this.#outbox
    if (!this.#continued) this.#carrier.beginStream()
    else this.#makeOutbox(this.#registered ? undefined : this.#registration(), this.#continued.from)
    return this.#outbox
  }

  // How it ends otherwise ---------------------------------------------------------------------------------------

  #requireRunning(): void {
    if (this.over) throw new DOMException('The call has ended.', 'AbortError')
  }

  #stop(reason?: string): void {
    this.#outbox?.close()
    this.#abort?.abort(new DOMException(reason ?? 'The call was cancelled.', 'AbortError'))
  }

  /** The client cancelled it: the handler is told, the client gets no response. */
  cancel(reason?: string): void {
    if (this.over) return
    const { key } = this.#session
    const streaming = this.#connection !== undefined || this.#continued !== undefined
    const known = this.#registered || this.#registering !== undefined || this.#doubtful || streaming
    this.#settle(undefined)
    this.#stop(reason)
    if (!known) return
    const end = async () => {
      await this.#registering
      await this.#outbox?.flushed()
      const call = { stream: this.stream, owner: this.owner, mark: streaming, forget: this.#asks?.ids }
      const ended = this.#store.endCall(key, call)
      const reply = await ended.catch((error) => {
        oweEnd(this.#host.instance, key, call)
        this.#connection?.finish()
        throw error
      })
      this.#connection?.confirm()
      if (reply.status === 'ok' && reply.holder !== undefined)
        await this.#host.instance.told({ t: 'look', to: reply.holder })
      else this.#connection?.finish()
    }
    // Not before: no event id leaves while the store may not know the call.
    this.#host.instance.track(end().finally(() => this.#opened?.('ok')))
  }

  #ended(ending: Ending): void {
    if (this.over) return
    if (ending === 'cancelled') return this.cancel()
    if (ending === 'taken' || ending === 'full') {
      this.#full = ending === 'full'
      const message = this.#full
        ? `This session has ${this.#host.instance.options.maxCalls} calls running. Try again when one has ended.`
        : `Request id ${JSON.stringify(this.requestId)} is in use by another call of this session.`
      const code = this.#full ? ErrorCode.ServerError : ErrorCode.InvalidRequest
      const text = errorText({ code, message }, this.requestId)
      // HTTP+SSE: the POST was acknowledged, so the refusal must go where the answer would.
      if (this.#continued?.relay) this.#host.instance.track(this.#continued.relay(text, `refused.${this.stream}`))
      this.#settle(text)
      this.#stop(message)
      if (this.#carrier.shared) {
        // The other calls of the batch go on: the refusal goes where the answer would.
        this.#connection?.fail(text)
        return this.#opened?.('ok')
      }
      if (this.#connection && this.#opened) this.#connection.abandoned()
      return this.#opened?.('refused')
    }
    const text = this.#result ?? errorText({ code: ErrorCode.InternalError, message: ENDED[ending] }, this.requestId)
    if (ending === 'gone') this.#carrier.gone(this)
    this.#settle(ending === 'gone' ? undefined : text)
    this.#stop(ENDED[ending])
    if (ending === 'gone') {
      this.#opened?.('gone')
      this.#connection?.finish()
    } else if (ending === 'unreachable') {
      // Whoever resumes the call elsewhere later must find its end.
      const { stream, owner } = this
      oweLastWord(this.#host.instance, this.#session.key, { stream, owner, text, forget: this.#asks?.ids })
      this.#opened?.('ok')
      this.#connection?.confirm()
      this.#connection?.fail(text)
    } else {
      this.#opened?.('ok')
      this.#connection?.look()
    }
  }

  receive(mail: Mail): void {
    if (mail.t === 'cancel') this.cancel(mail.reason)
    else if (mail.t === 'answer') this.#asks?.answered(mail.ask, mail.value)
    else if (mail.t === 'level') this.#onLevel(mail.level)
    else if (mail.t === 'gone') this.#ended('gone')
  }

  beat(): void {
    if (this.over || !this.#registered) return
    const { instance } = this.#host
    const { key } = this.#session
    this.#caller.load?.registered(this.owner)
    const { stream } = this
    this.#store
      .lookCall(key, stream, this.owner, this.#asks?.waiting ?? [], this.#lifetime)
      .then((look) => {
        if (this.over || this.#ending || stream !== this.#stream) return
        if (look.status !== 'ok') return this.#ended(look.status)
        if (look.cancelled) return this.cancel()
        this.#onLevel(look.level)
        for (const [ask, value] of look.answers) this.#asks?.answered(ask, value)
      })
      .catch((error) => instance.report(error))
  }

  async abandon(why = SHUT_DOWN): Promise<void> {
    if (this.over) return
    const { key } = this.#session
    const { instance } = this.#host
    const resumable = this.#connection === undefined || this.#connection.done || isAtLeast(this.revision, '2025-11-25')
    if (this.#outbox && resumable && this.#host.mayRunAgain(this.#request)) {
      await this.#outbox.flushed()
      const { holder } = this.#outbox
      this.#settle(undefined)
      this.#stop(why)
      await this.#store.releaseCall(key, this.stream, this.owner)
      if (holder !== undefined) await instance.told({ t: 'look', to: holder })
      return
    }
    this.#finish(errorText({ code: ErrorCode.InternalError, message: why }, this.requestId))
    this.#abort?.abort(new DOMException(why, 'AbortError'))
    await this.#outbox?.flushed()
  }
}

const SHUT_DOWN = 'The instance that ran this call was shut down before it was done.'
const OUT_OF_TIME = 'This call was not done when the time was over that the platform gives it.'

const ENDED: Record<Exclude<Ending, 'cancelled' | 'taken' | 'full'>, string> = {
  lost: 'Another instance has taken the call over.',
  gone: 'The session has ended.',
  unreachable: 'The store could not be reached; the call was given up.',
}

/** The result or the error that a client sent for an ask, as it is kept in the store. */
export function answerText(response: { result?: unknown; error?: unknown }): string {
  return JSON.stringify(isObject(response.error) ? { error: response.error } : { result: response.result })
}
