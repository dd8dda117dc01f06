/** The end of a connection at the instance that has the client: it sends a request to the process, and gets what that sends. */
import { ErrorCode, ProtocolError } from '../../../../protocol/errors.ts'
import { isObject, type JsonObject, type JsonRpcErrorObject } from '../../../../protocol/jsonrpc.ts'
import { Elsewhere, HOLDER_LOST } from '../process/errors.ts'
import type { Receiver } from '../process/receiver.ts'
import type { Order, Report } from './messages.ts'
import type { End, Line, Relays } from './relays.ts'

/** A request for the process of a session. */
interface RelayedRequest {
  key: string
  method: string
  params: JsonObject | undefined
  receiver: Receiver
  signal: AbortSignal
}

/**
 * Sends a request to the instance that has the process.
 *
 * @throws ProtocolError with the error of the process, or where its instance is lost; Elsewhere where the process is not there
 */
export function relayRequest(relays: Relays, peer: string, request: RelayedRequest): Promise<JsonObject> {
  return new Front(relays, peer, request).result
}

/** Sends what a client has made known. Nothing comes back. */
export function relayHeard(relays: Relays, peer: string, message: Extract<Order, { k: 'heard' }>): void {
  const line: Line = relays.connect(peer, {
    take() {
      line.finish()
      return undefined
    },
    lost() {},
  })
  void line.push(message)
}

class Front implements End {
  readonly result: Promise<JsonObject>
  readonly #line: Line
  readonly #receiver: Receiver
  readonly #signal: AbortSignal
  /** The asks that the client has not answered. */
  readonly #asks = new Map<number, AbortController>()
  #resolve!: (result: JsonObject) => void
  #reject!: (error: Error) => void

  constructor(relays: Relays, peer: string, { key, method, params, receiver, signal }: RelayedRequest) {
    const { promise, resolve, reject } = Promise.withResolvers<JsonObject>()
    this.result = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#receiver = receiver
    this.#signal = signal
    this.#line = relays.connect(peer, this)
    this.#push({ k: 'open', key, method, ...(params && { params }) })
    signal.addEventListener('abort', this)
    if (signal.aborted) this.handleEvent()
  }

  /** The call is over for its client. The other instance still answers, which ends the connection. */
  handleEvent(): void {
    const { reason } = this.#signal
    this.#push({ k: 'cancel', reason: reason instanceof Error ? reason.message : String(reason) })
    this.#settle(() => this.#reject(new DOMException('The call has ended.', 'AbortError')))
  }

  #push(order: Order): void {
    void this.#line.push(order)
  }

  #settle(settle: () => void): void {
    this.#signal.removeEventListener('abort', this)
    for (const controller of this.#asks.values()) controller.abort(new Error('The call has ended.'))
    this.#asks.clear()
    settle()
  }

  take(message: JsonObject): Promise<unknown> | undefined {
    const report = message as Report
    switch (report.k) {
      case 'notify':
        return this.#receiver.notify(report.method, report.params)
      case 'ask':
        this.#ask(report)
        return undefined
      case 'unask': {
        const controller = this.#asks.get(report.ask)
        this.#asks.delete(report.ask)
        controller?.abort(new Error(report.reason))
        return undefined
      }
      case 'result':
        return this.#end(() => this.#resolve(isObject(report.result) ? report.result : {}))
      case 'error':
        return this.#end(() => this.#reject(errorOf(report.error)))
      case 'elsewhere':
        return this.#end(() => this.#reject(new Elsewhere()))
      default:
        return undefined
    }
  }

  #end(settle: () => void): undefined {
    this.#line.finish()
    this.#settle(settle)
    return undefined
  }

  #ask({ ask, method, params }: Extract<Report, { k: 'ask' }>): void {
    const controller = new AbortController()
    this.#asks.set(ask, controller)
    void this.#receiver.ask(method, params, controller.signal).then((answer) => {
      if (this.#asks.delete(ask)) this.#push({ k: 'answer', ask, answer })
    })
  }

  lost(): void {
    this.#settle(() => this.#reject(new ProtocolError(ErrorCode.InternalError, HOLDER_LOST)))
  }
}

function errorOf({ code, message, data }: JsonRpcErrorObject): ProtocolError {
  return new ProtocolError(code, message, data)
}
