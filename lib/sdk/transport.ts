/**
 * The transport of one instance of a server of the official SDK. What the server sends goes to the client of the call that caused
 * it, and never to another one: a message whose call cannot be named is not sent.
 */
import { asError, warning } from '../base/errors.ts'
import { isObject, type JsonObject } from '../protocol/jsonrpc.ts'
import { failureText } from '../server/methods/failures.ts'
import type { Announcement } from '../server/registry/announcement.ts'
import { StoreUnavailable } from '../store/store.ts'
import { askClient, errorOfAsk } from './asks.ts'
import type { OfficialCall } from './call.ts'
import { changedList, notifyClient } from './notify.ts'
import type { SendOptions, Transport } from './private.ts'

/** The instance, as its transport uses it. */
export interface Calls {
  /** The running call with this id. */
  byId(id: string): OfficialCall | undefined
  /** The call in whose async context this runs, which may be over; undefined outside of calls. */
  current(): OfficialCall | undefined
  /** Takes the answer of a request that went through the transport. */
  answered(id: string, message: JsonObject): void
  /** Sends a notification of no call to the one client of the instance. Undefined: it has not one client. */
  outside(method: string, params: JsonObject): Promise<void> | undefined
  /** The server makes a change known. */
  announce(change: Announcement): void
  /** An ask was sent by the async context alone. */
  askedByContext(method: string): void
}

interface TransportParts {
  calls: Calls
  /** Announces that the user is done with a page. */
  completed(elicitationId: string): Promise<unknown>
  report(error: Error): void
  /** Messages that name no request are not sent. */
  strict: boolean
}

interface OpenAsk {
  call: OfficialCall
  controller: AbortController
  answer: Promise<unknown>
}

export class OfficialTransport implements Transport {
  onmessage: Transport['onmessage']
  onclose: Transport['onclose']
  onerror: Transport['onerror']
  /** The server has closed it. */
  closed = false
  readonly #parts: TransportParts
  /** The asks without an answer, by the SDK's number of the message. */
  readonly #asks = new Map<unknown, OpenAsk>()
  readonly #reported = new Set<string>()

  constructor(parts: TransportParts) {
    this.#parts = parts
  }

  get sessionId(): string | undefined {
    return this.#parts.calls.current()?.channel.sessionId
  }

  async start(): Promise<void> {}

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.onclose?.()
  }

  /** It rejects only where an author can handle that: what nobody waits for is reported. */
  send(message: JsonObject, options: SendOptions = {}): Promise<void> {
    const { id, method, params } = message
    const given = isObject(params) ? params : undefined
    if (typeof method !== 'string') {
      this.#parts.calls.answered(String(id), message)
      return Promise.resolve()
    }
    if (id === undefined) return this.#notify(method, given, options)
    this.#ask(id, method, given, options)
    return Promise.resolve()
  }

  #ask(id: unknown, method: string, params: JsonObject | undefined, options: SendOptions): void {
    const call = this.#callOf(options)
    if (typeof call === 'string') {
      const message = `${method} is not sent: ${call}`
      return this.#answer(id, { error: errorOfAsk(new DOMException(message, 'AbortError')) })
    }
    if (options.relatedRequestId === undefined) this.#parts.calls.askedByContext(method)
    const controller = new AbortController()
    const answer = askClient(call, method, params, controller.signal)
    this.#asks.set(id, { call, controller, answer })
    answer.then(
      (result) => this.#answer(id, { result }),
      (error: unknown) => this.#answer(id, { error: errorOfAsk(asError(error)) }),
    )
  }

  #giveUp(id: unknown, reason: unknown): void {
    const ask = this.#asks.get(id)
    if (!ask) return
    ask.call.givenUp ??= []
    ask.call.givenUp.push(ask.answer)
    ask.controller.abort(reason)
  }

  #answer(id: unknown, answer: JsonObject): void {
    this.#asks.delete(id)
    this.onmessage?.({ jsonrpc: '2.0', id, ...answer })
  }

  /** The call that a message belongs to, or the reason why it has none. */
  #callOf({ relatedRequestId }: SendOptions): OfficialCall | string {
    const { calls, strict } = this.#parts
    if (relatedRequestId !== undefined) return calls.byId(String(relatedRequestId)) ?? ENDED
    if (strict) return STRICT
    const call = calls.current()
    if (!call) return OUTSIDE
    return call.over ? ENDED : call
  }

  async #notify(method: string, params: JsonObject = {}, options: SendOptions): Promise<void> {
    const { calls } = this.#parts
    const kind = changedList(method)
    if (kind !== undefined) return calls.announce({ kind, local: true })
    switch (method) {
      case 'notifications/cancelled':
        return this.#giveUp(params.requestId, params.reason)
      case 'notifications/resources/updated': {
        const { uri } = params
        if (typeof uri === 'string') calls.announce({ kind: 'updated', uri })
        return
      }
      case 'notifications/elicitation/complete': {
        const { elicitationId } = params
        if (typeof elicitationId === 'string') await this.#parts.completed(elicitationId)
        return
      }
    }
    const call = this.#callOf(options)
    const isOutside = typeof call === 'string' && !this.#parts.strict && options.relatedRequestId === undefined
    const sent = isOutside ? calls.outside(method, params) : undefined
    if (typeof call === 'string' && !sent) return this.#reportLost(method, call)
    await (typeof call === 'string' ? sent : this.#pass(call, method, params))?.catch((error: unknown) => {
      // Handlers show their errors to clients.
      throw error instanceof StoreUnavailable ? new Error(failureText(error)) : error
    })
  }

  /** A notification of a call, on its stream. */
  async #pass({ channel, params: asked }: OfficialCall, method: string, params: JsonObject): Promise<void> {
    if (method === 'notifications/progress') {
      const meta = asked?._meta
      // A token of another request would be taken for that one's progress.
      if (!isObject(meta) || meta.progressToken === undefined || meta.progressToken !== params.progressToken) return
    }
    await notifyClient(channel, method, params)
  }

  /** Nobody may be waiting for the promise of a notification: an error there would end the process. */
  #reportLost(method: string, why: string): void {
    if (this.#reported.has(method + why)) return
    this.#reported.add(method + why)
    this.#parts.report(warning(`${method} is not sent: ${why}`))
  }
}

const ENDED = 'the call that it belongs to has ended. Await what a handler sends before it returns.'
const OUTSIDE =
  'it belongs to no call. Send it while a handler runs, with "extra" or "ctx" of that handler, whose client gets it.'
const STRICT = 'it names no request, and attribution is "strict". Use "extra" or "ctx" of the handler.'
