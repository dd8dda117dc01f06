/** The end of a connection at the instance that has the process: it serves a request that another instance relays. */
import { asError, textOf } from '../../../../base/errors.ts'
import { ErrorCode, ProtocolError } from '../../../../protocol/errors.ts'
import type { JsonObject } from '../../../../protocol/jsonrpc.ts'
import { failureText } from '../../../../server/methods/failures.ts'
import { Elsewhere } from '../process/errors.ts'
import type { Answer, Receiver } from '../process/receiver.ts'
import type { Order, Report } from './messages.ts'
import type { End, Line } from './relays.ts'

/** The processes of this instance, as relayed requests use them. */
export interface Served {
  /** Answers a request. @throws Elsewhere where this instance does not have the process */
  requestHere(
    key: string,
    method: string,
    params: JsonObject | undefined,
    receiver: Receiver,
    signal: AbortSignal,
  ): Promise<JsonObject>
  heardHere(key: string, method: string, params: JsonObject | undefined): void
}

export class Back implements End, Receiver {
  readonly #line: Line
  readonly #served: Served
  readonly #controller = new AbortController()
  readonly #asks = new Map<number, (answer: Answer) => void>()
  #asked = 0

  constructor(line: Line, served: Served) {
    this.#line = line
    this.#served = served
  }

  take(message: JsonObject): undefined {
    const order = message as Order
    switch (order.k) {
      case 'open':
        return this.#serve(order)
      case 'heard':
        this.#served.heardHere(order.key, order.method, order.params)
        return this.#end({ k: 'done' })
      case 'answer':
        this.#asks.get(order.ask)?.(order.answer)
        return undefined
      case 'cancel':
        this.#controller.abort(new Error(order.reason))
    }
  }

  #serve({ key, method, params }: Extract<Order, { k: 'open' }>): undefined {
    this.#served.requestHere(key, method, params, this, this.#controller.signal).then(
      (result) => this.#end({ k: 'result', result }),
      (thrown: unknown) => this.#end(reportOf(asError(thrown))),
    )
  }

  #end(report: Report): undefined {
    this.#line.end(report)
  }

  /** The instance of the client is dead: another one goes on with the call, or its client gets an error. */
  lost(): void {
    this.#controller.abort(new Error('The instance of the client was lost.'))
  }

  // For the process -------------------------------------------------------------------------------------------------

  notify(method: string, params: JsonObject): Promise<void> {
    return this.#push({ k: 'notify', method, params })
  }

  ask(method: string, params: JsonObject | undefined, signal: AbortSignal): Promise<Answer> {
    const ask = ++this.#asked
    const { promise, resolve } = Promise.withResolvers<Answer>()
    const ended = () => {
      const reason = textOf(signal.reason)
      void this.#push({ k: 'unask', ask, reason })
      resolve({ error: { code: ErrorCode.ConnectionClosed, message: reason } })
    }
    this.#asks.set(ask, resolve)
    signal.addEventListener('abort', ended, { once: true })
    this.#controller.signal.addEventListener('abort', ended, { once: true })
    void this.#push({ k: 'ask', ask, method, ...(params && { params }) })
    return promise.finally(() => {
      this.#asks.delete(ask)
      signal.removeEventListener('abort', ended)
      this.#controller.signal.removeEventListener('abort', ended)
    })
  }

  #push(report: Report): Promise<void> {
    return this.#line.push(report)
  }
}

function reportOf(error: Error): Report {
  if (error instanceof Elsewhere) return { k: 'elsewhere' }
  if (error instanceof ProtocolError) return { k: 'error', error: error.toObject() }
  return { k: 'error', error: { code: ErrorCode.InternalError, message: failureText(error) } }
}
