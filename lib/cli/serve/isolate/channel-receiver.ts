/** A call of a client, which gets what a process sends for it: notifications and asks on the stream of the call. */
import { asError } from '../../../base/errors.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import { isObject, type JsonObject } from '../../../protocol/jsonrpc.ts'
import { askClient, errorOfAsk } from '../../../sdk/asks.ts'
import type { OfficialCall } from '../../../sdk/call.ts'
import { notifyClient } from '../../../sdk/notify.ts'
import { AskPending } from '../../../server/context/errors.ts'
import type { Answer, Receiver } from './process/receiver.ts'

/** The capability that a client must have declared for a request. */
const NEEDED: Readonly<Record<string, string>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
}

export class ChannelReceiver implements Receiver {
  /** Rejects where the client answers with a later request, which runs this one again (2026-07-28). */
  readonly pending: Promise<never>
  readonly #call: OfficialCall
  #stop: (error: Error) => void

  constructor(call: OfficialCall) {
    const { promise, reject } = Promise.withResolvers<never>()
    this.pending = promise
    this.#stop = reject
    this.#call = call
  }

  async notify(method: string, params: JsonObject): Promise<void> {
    const { channel, over } = this.#call
    // Where the store does not take it, the call itself ends with an error.
    if (!over) await notifyClient(channel, method, params).catch(() => {})
  }

  async ask(method: string, params: JsonObject | undefined, signal: AbortSignal): Promise<Answer> {
    const { over, client } = this.#call
    if (over) return { error: { code: ErrorCode.ConnectionClosed, message: 'The call has ended.' } }
    const needed = NEEDED[method]
    if (needed !== undefined && !isObject((client.capabilities as JsonObject)[needed])) {
      const message = `${method}: the client of this request does not declare the capability "${needed}".`
      return { error: { code: ErrorCode.InvalidRequest, message } }
    }
    try {
      return { result: await askClient(this.#call, method, params, signal) }
    } catch (thrown) {
      const error = asError(thrown)
      if (error instanceof AskPending) this.#stop(error)
      return { error: { code: ErrorCode.InternalError, message: '', ...errorOfAsk(error) } }
    }
  }
}
