/**
 * Stateless calls whose handlers must not run again. Such a run waits ("parks") in its instance for the answers of its client, and
 * the retry that has them is mailed to it. This code is loaded where the server needs it.
 */
import { callsAreHeard } from '../../base/events.ts'
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { isObject, isRequestId, type JsonObject, type JsonRpcRequest, type Result } from '../../protocol/jsonrpc.ts'
import { CallWatch } from '../../runtime/call-watch.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { LegEnd, RetryMail } from '../../runtime/mail.ts'
import { AskPending } from '../../server/context/errors.ts'
import type { StatelessOptions } from '../../settings.ts'
import type { StatelessCall } from '../call.ts'
import type { StatelessExchange } from '../exchange.ts'
import type { SendMessage } from '../run.ts'
import { ParkingBounds } from './bounds.ts'
import type { Leg } from './leg.ts'
import { ParkedRun } from './parked-run.ts'
import { type ParkedAt, Retry, refusalOf } from './retry.ts'

/** The request of a call, as the first leg of its run uses it. */
interface FirstRequest {
  exchange: Pick<StatelessExchange, 'last' | 'leave' | 'finish'>
  send: SendMessage
}

/** The request of a retry. */
export interface RetryRequest {
  request: JsonRpcRequest
  send: SendMessage
  level: string | undefined
}

export class Parking {
  readonly #instance: Instance
  readonly #bounds: ParkingBounds
  readonly #park: number
  readonly #maxAsks: number

  /** @param maxAsks the most asks of one run */
  constructor(instance: Instance, options: StatelessOptions, maxAsks: number) {
    this.#instance = instance
    this.#bounds = new ParkingBounds(options)
    this.#park = options.park
    this.#maxAsks = maxAsks
  }

  /** Runs may wait in this instance. */
  get isOpen(): boolean {
    return this.#park > 0
  }

  /**
   * Begins the run of a call that waits for its client.
   *
   * @throws Error with one line where no further run may wait here
   */
  park(call: StatelessCall, { exchange, send }: FirstRequest): ParkedRun {
    const [instance, bounds, park, maxAsks] = [this.#instance, this.#bounds, this.#park, this.#maxAsks]
    const run = new ParkedRun({ instance, bounds, park, maxAsks }, call, firstLeg(call, exchange, send))
    exchange.last(run)
    return run
  }

  /** Serves a retry: gives its answers to the run, and returns what the run returns. */
  async retry(call: StatelessCall, at: ParkedAt, { request, send, level }: RetryRequest): Promise<Result> {
    const { inputResponses, _meta } = request.params ?? {}
    const mail: RetryMail = { answers: isObject(inputResponses) ? inputResponses : {}, streams: send !== undefined }
    const token = isObject(_meta) ? _meta.progressToken : undefined
    if (isRequestId(token)) mail.token = token
    if (level !== undefined) mail.level = level
    const retry = new Retry(this.#instance, at, mail, send)
    call.waitFor(retry)
    const work = async () => this.#outcome(call, await retry.run())
    if (!callsAreHeard()) return work()
    call.watch = new CallWatch(this.#instance, request.method, request.params, call)
    return call.watch.run(work)
  }

  #outcome(call: StatelessCall, end: LegEnd): JsonObject {
    if ('asks' in end) {
      call.askFor(end.asks, { run: end.run, wait: end.wait })
      throw new AskPending(Object.keys(end.asks)[0] ?? '')
    }
    if ('refused' in end) throw refusalOf(end, this.#park)
    const { result, error } = end.response
    if (result) return result
    throw new ProtocolError(error?.code ?? ErrorCode.InternalError, error?.message ?? '', error?.data)
  }
}

/** The first leg of a run is carried by the request of its call. */
function firstLeg(call: StatelessCall, exchange: FirstRequest['exchange'], send: SendMessage): Leg {
  return {
    send: (text) => send?.(text),
    end(end) {
      if ('response' in end) return exchange.finish(end.response.result ?? {})
      if (!('asks' in end)) return
      exchange.leave(() => {
        call.askFor(end.asks, { run: end.run, wait: end.wait })
        return call.inputRequired()
      })
    },
  }
}
