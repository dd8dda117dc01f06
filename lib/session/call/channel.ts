/** The handler's way to a client that has a session: messages and asks go out on the stream of its call. */

import type { CallOutcome } from '../../base/events.ts'
import { around, digest } from '../../base/ids.ts'
import { toJson } from '../../base/to-json.ts'
import type { FormerTrace } from '../../base/tracing.ts'
import { type JsonObject, notificationText } from '../../protocol/jsonrpc.ts'
import type { Revision } from '../../protocol/revisions.ts'
import { compareLevels, type LoggingLevel } from '../../protocol/types.ts'
import { HandlerChannel } from '../../runtime/handler-channel.ts'
import { type Ask, type ClientChannel, type ClientView, withMeta } from '../../server/context/client-channel.ts'
import { AskError } from '../../server/context/errors.ts'
import type { SessionKey, Store } from '../../store/store.ts'
import type { KeyValues } from '../../store/values.ts'
import { sessionData } from '../stream/session.ts'
import { Asks } from './asks.ts'
import { type CallParts, givePlace, takePlace } from './host.ts'
import type { AutoProgress } from './progress.ts'

/** How long a page that was opened may take to be done with, in ms. */
const ELICITATION_LIFETIME = 24 * 60 * 60_000

/**
 * An elicitation belongs to the principal that was asked first; its latest session gets the completion. Without
 * authorization it belongs to a session.
 */
async function claimElicitation(store: Store, id: string, principal: string, key: SessionKey): Promise<void> {
  const name = `owner.${digest(id, 16)}`
  const owner = principal === '' ? key : principal
  const { status } = await store.addValue('elic', name, owner, ELICITATION_LIFETIME)
  if (status === 'taken') {
    const other = principal === '' ? await store.getValue('elic', name) : undefined
    const ended = other !== undefined && (await store.readSession(other, undefined)) === undefined
    if (!ended)
      throw new TypeError(`The elicitation id "${id}" is in use by another client. Give each elicitation its own.`)
  }
  await store.setValue('elic', name, owner, ELICITATION_LIFETIME)
}

/** The call, as its handler's channel uses it. */
export interface SendingCall {
  readonly over: boolean
  /** Sends a message before the response; with the ask that it carries. Resolves when the queue has room. */
  send(data: string, ask?: string): Promise<void>
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
  override get takenOver(): boolean {
    return this.#parts.continued?.claimed === true
  }
  override get former(): FormerTrace | undefined {
    return this.#parts.continued?.former
  }
  get heardMark(): string | undefined {
    return this.#parts.session.heard
  }
  get session(): KeyValues {
    return sessionData(this.#parts.host.store, this.#parts.session.key)
  }

  protected override takePlace(): void {
    takePlace(this.#parts)
  }

  protected override givePlace(): void {
    givePlace(this.#parts)
  }

  wants(level: LoggingLevel): boolean {
    return this.#level === undefined || compareLevels(level, this.#level) >= 0
  }

  /** The session's log level, as the store or another instance has sent it. */
  setLevel(level: string | undefined): void {
    if (level !== undefined) this.#level = level as LoggingLevel
  }

  async notify(method: string, params: JsonObject): Promise<void> {
    if (this.over || !this.#parts.carrier.streams) return
    if (method === 'notifications/progress' && !this.#progress.advance(params)) return
    await this.#call.send(notificationText(method, params))
  }

  ask(ask: Ask): Promise<JsonObject> {
    const answer = this.#ask(ask)
    this.onAsk?.(answer)
    return answer
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
    await this.#expectCompletion(ask)
    this.#requireRunning()
    ask.signal?.throwIfAborted()
    this.#asks ??= new Asks(this.#parts.host.instance, this.#parts.session.key)
    const asks = this.#asks
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
    this.#asks?.answered(ask, value)
  }

  /** The call has ended: no ask waits any longer. `outcome`: where that is not for the handler to say. */
  ended(outcome: CallOutcome | undefined): void {
    this.#asks?.abandon()
    this.watch?.end(outcome)
  }

  /**
   * URL mode: the page reports its completion by the elicitation's id alone, to any instance.
   * @throws TypeError where an author's id is that of another caller
   */
  async #expectCompletion({ params }: Ask): Promise<void> {
    const id = params?.elicitationId
    if (typeof id !== 'string') return
    const { host, session } = this.#parts
    await claimElicitation(host.store, id, this.principal, session.key)
    await host.store.setValue('elic', id, session.key, ELICITATION_LIFETIME)
  }

  #requireRunning(): void {
    if (this.over) throw new DOMException('The call has ended.', 'AbortError')
  }
}

/** Calls `cancel` where the signal is aborted before the answer is there. */
function cancelBy(signal: AbortSignal, answer: Promise<unknown>, cancel: () => void): void {
  signal.addEventListener('abort', cancel, { once: true })
  const forget = () => signal.removeEventListener('abort', cancel)
  answer.then(forget, forget)
}
