/** The handler's way to a client that has a session: messages and asks go out on the stream of its call. */

import type { CallOutcome } from '../../base/events.ts'
import { around } from '../../base/ids.ts'
import { cancelBy } from '../../base/promises.ts'
import { toJson } from '../../base/to-json.ts'
import type { FormerTrace } from '../../base/tracing.ts'
import { type JsonObject, notificationText } from '../../protocol/jsonrpc.ts'
import type { Revision } from '../../protocol/revisions.ts'
import { compareLevels, type LoggingLevel } from '../../protocol/types.ts'
import { HandlerChannel } from '../../runtime/handler-channel.ts'
import {
  type Announcer,
  type Ask,
  type ClientChannel,
  type ClientView,
  withMeta,
} from '../../server/context/client-channel.ts'
import { AskError } from '../../server/context/errors.ts'
import type { DurableAsk } from '../../store/store.ts'
import type { Handles, KeyValues } from '../../store/values.ts'
import { sessionData } from '../stream/session.ts'
import type { Asks } from './asks.ts'
import type { Leg } from './durable/leg.ts'
import type { AwaitedLeg } from './durable/note.ts'
import type { LegParts } from './durable-run.ts'
import { type CallParts, givePlace, hasJournal, mayHaveJournal, takePlace } from './host.ts'
import { ASKS, DURABLE } from './on-demand.ts'
import type { AutoProgress } from './progress.ts'

/** The call, as its handler's channel uses it. */
export interface SendingCall {
  readonly over: boolean
  /** Sends a message before the response; with the ask that it carries, or its ordinal. Resolves when the queue has room. */
  send(data: string, ask?: string | DurableAsk, say?: number): Promise<void>
  /** What the leg of a durable call works with. */
  readonly legParts: LegParts
  /** Ends the client's connection while the call goes on (2025-11-25). */
  closeStream(retryMs: number): void
}

export class SessionChannel extends HandlerChannel implements ClientChannel {
  readonly #call: SendingCall
  readonly #parts: CallParts
  readonly #progress: AutoProgress
  /** When the run began, by the clock of the instance. */
  readonly began: number
  #level: LoggingLevel | undefined
  #asks: Asks | undefined
  #asked = 0
  /** Messages of the handler so far: a later run leaves out as many as the log has. */
  #said = 0
  #isDurable: boolean | undefined
  #leg: Leg | undefined
  /** Until then what the handler has asked is not on its way: the code of asks is loaded. */
  asking: Promise<void> | undefined
  /** Of `tasks/result`: what it asks its client for. */
  awaited: AwaitedLeg | undefined
  /** How the call has ended, where that is not for the handler to say. */
  outcome: CallOutcome | undefined

  constructor(call: SendingCall, parts: CallParts, progress: AutoProgress) {
    super(parts.host, parts.caller, parts.request)
    this.#call = call
    this.#parts = parts
    this.#progress = progress
    this.began = parts.host.instance.clock.now()
    this.#level = parts.session.level
  }

  protected get over(): boolean {
    return this.#call.over
  }
  get revision(): Revision {
    return this.#parts.session.revision
  }
  get client(): ClientView {
    return this.#parts.session.client
  }
  override get sessionId(): string {
    return this.#parts.session.id
  }
  override get sessionKey(): string {
    return this.#parts.session.key
  }
  /** The name of its stream. */
  get stream(): string {
    return this.#call.legParts.stream.name
  }
  override get takenOver(): boolean {
    return this.#parts.continued?.claimed === true
  }
  override get isWoken(): boolean {
    return this.#parts.continued?.journal?.slept !== undefined
  }
  override get former(): FormerTrace | undefined {
    return this.#parts.continued?.former
  }
  get heardMark(): string | undefined {
    return this.#parts.session.heard
  }
  get session(): KeyValues {
    return this.#guarded(sessionData(this.#parts.host.store, this.#parts.session.key))
  }
  override get user(): KeyValues {
    return this.#guarded(super.user)
  }
  override get handles(): Handles {
    return this.#guarded(super.handles)
  }
  override get announce(): Announcer {
    return this.#guarded(super.announce)
  }

  /** Values whose writes end before a durable run does, and do not begin afterwards. */
  #guarded<T extends object>(values: T): T {
    if (!this.isDurable) return values
    return new Proxy(values, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        return async (...args: unknown[]) => {
          const leg = await this.#openLeg()
          return leg.during(async () => member.apply(target, args) as unknown)
        }
      },
    })
  }

  /** The call has a journal at the store. */
  get isDurable(): boolean {
    this.#isDurable ??= hasJournal(this.#parts)
    return this.#isDurable
  }

  /** Of a durable call that has kept something, or has asked, or was taken over. */
  get leg(): Leg | undefined {
    return this.#leg
  }

  async #openLeg(): Promise<Leg> {
    const { openLeg } = DURABLE.now ?? (await DURABLE.load())
    this.#leg ??= openLeg(this.#call.legParts)
    return this.#leg
  }

  protected override async runOnce<T>(
    name: string,
    fn: () => T | Promise<T>,
    options: { single?: boolean },
  ): Promise<T> {
    if (!this.isDurable) {
      if (!mayHaveJournal(this.#parts)) return fn()
      // The store gives the call a journal with its first step, and every later step of the run counts on that.
      this.#isDurable = true
    }
    return (await this.#openLeg()).once(name, fn, options.single === true)
  }

  protected override takePlace(): void {
    takePlace(this.#parts)
  }

  protected override givePlace(): void {
    givePlace(this.#parts)
  }

  wants(level: LoggingLevel): boolean {
    const isWanted = this.#level === undefined || compareLevels(level, this.#level) >= 0
    // The level may be another in a later run.
    if (!isWanted) this.#number()
    return isWanted
  }

  /** The ordinal of a message of the handler. Undefined within `ctx.once`, which a later run leaves out as a whole. */
  #number(): number | undefined {
    return this.#leg?.isInside ? undefined : ++this.#said
  }

  /** The session's log level, as the store or another instance has sent it. */
  setLevel(level: string | undefined): void {
    if (level !== undefined) this.#level = level as LoggingLevel
  }

  async notify(method: string, params: JsonObject): Promise<void> {
    if (this.over) this.#leg?.requireRunning()
    if (this.over || !this.#parts.carrier.streams) return
    const isProgress = method === 'notifications/progress'
    if (isProgress && !this.#progress.advance(params)) return
    const say = isProgress ? undefined : this.#number()
    if (say !== undefined && say <= (this.#parts.continued?.journal?.said ?? 0)) return
    await this.#call.send(notificationText(method, params), undefined, say)
  }

  ask(ask: Ask): Promise<JsonObject> {
    const answer = this.#ask(ask)
    this.onAsk?.(answer)
    return answer
  }

  /** What the handler has asked goes out before its response, also where nothing waits for the answer. */
  async #loadAsks(): ReturnType<typeof ASKS.load> {
    const sent = () => new Promise<void>((resolve) => setImmediate(resolve))
    const loading = ASKS.load()
    this.asking = loading.then(sent, sent)
    return loading
  }

  async #ask(ask: Ask): Promise<JsonObject> {
    this.#requireRunning()
    if (!this.#parts.carrier.streams) {
      const why = 'this call has no stream, since its client accepts JSON alone or the store has no room for a log'
      throw new AskError('unreachable', `${ask.method}: ${why}.`)
    }
    const { maxAsks, askTimeout } = this.#parts.host.instance.options
    const params = ask.params === undefined ? '' : `,"params":${toJson(ask.params, 'params')}`
    if (++this.#asked > maxAsks) throw new RangeError(`A call may ask the client ${maxAsks} times.`)
    const { Asks, expectCompletion, nameWaiting } = ASKS.now ?? (await this.#loadAsks())
    this.#asks ??= new Asks(this.#parts.host.instance, this.#parts.session.key)
    const asks = this.#asks
    await expectCompletion(this.#parts, this.principal, ask)
    this.#requireRunning()
    ask.signal?.throwIfAborted()
    nameWaiting(this.#parts)
    if (this.isDurable) return (await this.#openLeg()).ask(ask, ask.timeout ?? askTimeout)
    const send = (text: string) => void this.#call.send(text)
    const { id, answer } = asks.open(ask.method, ask.timeout ?? askTimeout, send)
    if (ask.signal) cancelBy(ask.signal, answer, () => void asks.cancel(id, send))
    const meta = ask.sending?.(id)
    const sent = meta ? `,"params":${toJson(withMeta(ask.params, meta), 'params')}` : params
    await this.#call.send(`{"jsonrpc":"2.0","id":"${id}","method":"${ask.method}"${sent}}`, id)
    return answer
  }

  closeStream(retryMs: number = around(this.#parts.host.instance.options.retry)): void {
    this.#call.closeStream(retryMs)
  }

  /** Once the call has asked. */
  get asks(): Asks | undefined {
    return this.#asks
  }

  /** Every ask of the call, of this run and those before, for the store to forget with its end. */
  get askIds(): string[] {
    const before = this.#parts.continued?.asks ?? []
    return this.#asks ? before.concat(this.#asks.ids) : before
  }

  /** The asks that have no answer yet. */
  get openAsks(): string[] {
    return this.#asks?.waiting ?? []
  }

  receiveAnswer(ask: string, value: string): void {
    // A later run may have it before its handler asks again.
    const { answers } = this.#parts.continued?.journal ?? {}
    if (answers && !answers.has(ask)) answers.set(ask, value)
    this.#asks?.answered(ask, value)
  }

  /** The call has ended: no ask waits any longer. `outcome`: where that is not for the handler to say. */
  ended(outcome: CallOutcome | undefined): void {
    this.outcome = outcome
    this.#leg?.ended()
    this.#asks?.abandon(outcome === 'suspended')
    this.watch?.end(outcome)
  }

  #requireRunning(): void {
    if (this.over) throw new DOMException('The call has ended.', 'AbortError')
  }
}
