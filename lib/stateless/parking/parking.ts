/**
 * Stateless calls whose handlers must not run again. Such a run waits ("parks") in its instance for the answers of its client, and
 * the retry that has them is mailed to it. This code is loaded where the server needs it.
 */
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { isObject, isRequestId, type JsonObject, type JsonRpcRequest, type Result } from '../../protocol/jsonrpc.ts'
import { type WatchedChannel, watchedDispatch } from '../../runtime/call-watch.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { LegEnd, RetryMail } from '../../runtime/mail.ts'
import { AskPending } from '../../server/context/errors.ts'
import type { StatelessOptions } from '../../settings.ts'
import { ParkingBounds } from './bounds.ts'
import type { Leg, SendMessage } from './leg.ts'
import { type ParkedCall, ParkedRun, type RunParts } from './parked-run.ts'
import { type ParkedAt, Retry, refusalOf } from './retry.ts'

/** A call, as the request that carries a leg uses it. */
export interface AskingCall extends ParkedCall, WatchedChannel {
  /** What a parked run asks is what its request asks. */
  askFor(asks: Record<string, JsonObject>, at: ParkedAt): void
  /** The `input_required` result with these asks. */
  inputRequired(): JsonObject
  /** The request waits for a parked run. */
  waitFor(retry: Retry): void
}

/** The exchange of the request of a call, which carries the first leg of its run. */
export interface FirstExchange {
  /** The outcome of the handler is for `run` first. */
  last(run: LastingRun): void
  /** Gives `input_required` as the reply. The call goes on, and its handler keeps its place. */
  leave(inputRequired: () => JsonObject): void
  /** The outcome that a run took is given as the reply, after all. */
  finish(result: JsonObject): void
}

/** A run that outlasts its first request. */
export interface LastingRun {
  /** Whether it takes the outcome of the handler. */
  settled(returned: Result | Error): boolean
}

interface FirstRequest {
  exchange: FirstExchange
  send: SendMessage
}

/** The request of a retry. */
export interface RetryRequest {
  request: JsonRpcRequest
  send: SendMessage
  level: string | undefined
}

export class Parking {
  readonly #parts: RunParts

  /** @param maxAsks the most asks of one run */
  constructor(instance: Instance, options: StatelessOptions, maxAsks: number) {
    this.#parts = { instance, bounds: new ParkingBounds(options), park: options.park, maxAsks }
  }

  /**
   * Begins the run of a call that waits for its client.
   *
   * @throws Error with one line where no further run may wait here, or none any longer
   */
  park(call: AskingCall, { exchange, send }: FirstRequest): ParkedRun {
    if (this.#parts.instance.draining) throw new Error(LEAVING)
    const run = new ParkedRun(this.#parts, call, firstLeg(call, exchange, send))
    exchange.last(run)
    return run
  }

  /** Serves a retry: gives its answers to the run, and returns what the run returns. */
  async retry(call: AskingCall, at: ParkedAt, { request, send, level }: RetryRequest): Promise<Result> {
    const { inputResponses, _meta } = request.params ?? {}
    const mail: RetryMail = { answers: isObject(inputResponses) ? inputResponses : {}, streams: send !== undefined }
    const token = isObject(_meta) ? _meta.progressToken : undefined
    if (isRequestId(token)) mail.token = token
    if (level !== undefined) mail.level = level
    const { instance } = this.#parts
    const retry = new Retry(instance, at, mail, send)
    call.waitFor(retry)
    const dispatch = async () => this.#outcome(call, await retry.run())
    return watchedDispatch({ dispatch }, instance)(request.method, request.params, call)
  }

  #outcome(call: AskingCall, end: LegEnd): JsonObject {
    if ('asks' in end) {
      call.askFor(end.asks, { run: end.run, wait: end.wait })
      throw new AskPending(Object.keys(end.asks)[0] ?? '')
    }
    if ('refused' in end) throw refusalOf(end, this.#parts.park)
    const { result, error } = end.response
    if (result) return result
    throw new ProtocolError(error?.code ?? ErrorCode.InternalError, error?.message ?? '', error?.data)
  }
}

const LEAVING = 'The call cannot wait for its client: this instance is shutting down. Call the tool again.'

/** The first leg of a run is carried by the request of its call. */
function firstLeg(call: AskingCall, exchange: FirstRequest['exchange'], send: SendMessage): Leg {
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
