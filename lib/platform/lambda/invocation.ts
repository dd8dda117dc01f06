/**
 * One invocation of a function: wakes the endpoint, serves the request, and returns only when everything is written to
 * the store, because Lambda freezes the environment then.
 */
import type { ALBEvent } from 'aws-lambda'
import { moveOn, systemClock } from '../../base/clock.ts'
import type { Endpoint } from '../../endpoint.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { errorText } from '../../protocol/jsonrpc.ts'
import { Refusal } from '../../protocol/refusal.ts'
import { type HttpEvent, type Incoming, readEvent } from './event.ts'
import type { InvocationContext } from './handler.ts'
import type { OwnEvents } from './tasks/own-events.ts'

export interface LambdaOptions {
  ownEvents?: OwnEvents | undefined
  /** How long the gateway waits for a response, in ms, where that is less than the time limit of the function. */
  responseLimit?: number | undefined
  /** Called when an invocation has done its work, before it returns. */
  ending?: (() => void) | undefined
}

/** An invocation returns so long before its time limit, in ms. */
const MARGIN = 500
/** How long an invocation goes on after its response failed, in ms: its client sees the failure only at its end. */
const AFTER_FAILURE = 1_000

type Send = (response: Response, incoming: Incoming) => Promise<void>

/** @param whole the gateway takes the response only as a whole */
export function invocations(
  endpoint: Endpoint,
  whole: boolean,
  { responseLimit = Number.POSITIVE_INFINITY, ending, ownEvents }: LambdaOptions,
) {
  let running = 0
  // An environment may be started long before its first request.
  let asleepSince: { now: number; wall: number } = { now: systemClock.now(), wall: systemClock.wall() }
  const serve = async (event: HttpEvent, id: string, deadline: number, send: Send): Promise<void> => {
    let incoming: Incoming
    try {
      incoming = readEvent(event)
    } catch (error) {
      const message = error instanceof Refusal ? error.message : 'The event is no HTTP request.'
      const body = errorText({ code: ErrorCode.InvalidRequest, message })
      const response = new Response(body, { status: 400, headers: { 'Content-Type': 'application/json' } })
      const multiValue = Boolean((event as Partial<ALBEvent> | null)?.multiValueHeaders)
      return send(response, { request: new Request('https://lambda.invalid'), address: undefined, multiValue })
    }
    const { request, address, mountedAt } = incoming
    const incomingMessage = { socket: { remoteAddress: address } }
    const response = await endpoint.fetch(request, { deadline, incoming: incomingMessage, requestId: id, mountedAt })
    await send(response, incoming)
  }
  return async (event: HttpEvent, context: InvocationContext, send: Send): Promise<void> => {
    if (running++ === 0) endpoint.wake(sleptSince(asleepSince))
    ownEvents?.invoked(context.invokedFunctionArn)
    const functionLimit = context.getRemainingTimeInMillis()
    const limit = Math.min(functionLimit, responseLimit)
    const deadline = systemClock.now() + limit
    // A response as a whole is sent when the invocation returns, which must not be too late for the gateway.
    let end = systemClock.now() + (whole ? limit : functionLimit) - MARGIN
    try {
      await (ownEvents?.accept(event, systemClock.now() + functionLimit) ??
        serve(event, context.awsRequestId, deadline, send))
    } catch (error) {
      end = Math.min(end, systemClock.now() + AFTER_FAILURE)
      throw error
    } finally {
      // Only the last of several invocations: it writes everything to the store before the environment is frozen.
      if (running === 1) await before(end, endpoint.rest(end))
      running--
      ending?.()
      asleepSince = { now: systemClock.now(), wall: systemClock.wall() }
    }
  }
}

/**
 * How long the environment was asleep, in ms. The monotonic clock may have stood still meanwhile, so the wall clock moves it
 * on: keys and tokens that are kept, and counts of rates, get as old as they are. Where the wall clock was set back, the
 * connections to the store are taken for old, which does no harm.
 */
function sleptSince({ now, wall }: { now: number; wall: number }): number {
  const slept = systemClock.wall() - wall
  moveOn(slept - (systemClock.now() - now))
  return Math.max(systemClock.now() - now, Math.abs(slept))
}

/** Waits for `work`, but not beyond `end`. */
async function before(end: number, work: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  // This timer keeps the process alive: without any other work Node would end it.
  const timer = setTimeout(resolve, Math.max(0, end - systemClock.now()))
  await Promise.race([work, promise]).finally(() => clearTimeout(timer))
}
