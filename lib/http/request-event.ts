/** The events of requests, refusals and streams. They are made only where somebody listens. */
import { AuthRefusal } from '../auth/refusal.ts'
import { asError } from '../base/errors.ts'
import {
  channels,
  publish,
  type RefusalEvent,
  type RefusalKind,
  type RequestStart,
  requestsAreHeard,
} from '../base/events.ts'
import { randomId } from '../base/ids.ts'
import { ErrorCode, type ProtocolError } from '../protocol/errors.ts'
import { Refusal } from '../protocol/refusal.ts'
import { readTrace } from '../protocol/trace-context.ts'
import type { Caller } from '../runtime/caller.ts'
import type { Reply } from '../runtime/reply.ts'
import { UnreadableRecord } from '../session/stream/session.ts'
import { StoreUnavailable } from '../store/store.ts'
import { fetchOptions } from './fetch-options.ts'
import type { ReadHeader } from './headers.ts'
import { STREAM_EVENTS } from './on-demand.ts'
import type { HttpRequest } from './request.ts'
import { refusalOf } from './respond.ts'
import type { RouteParts } from './route.ts'
import type { StreamReply } from './stream-event.ts'

type EventParts = Pick<RouteParts, 'instance' | 'clock'>

/** Characters of an id, a path and a reason that an event has. */
const MAX_ID = 128
const MAX_PATH = 500
const MAX_REASON = 300

/** A request that listeners hear of. */
export class WatchedRequest {
  readonly event: RequestStart
  readonly #clock: RouteParts['clock']
  readonly #began: number
  #streams = false

  constructor({ instance, clock }: EventParts, c: HttpRequest, header: ReadHeader) {
    this.#clock = clock
    this.#began = clock.now()
    const { requestId, incoming, local } = fetchOptions(c)
    // The id that a load balancer gave the request.
    const id = requestId ?? header('x-request-id') ?? header('x-cloud-trace-context')
    this.event = {
      instance,
      id: id?.slice(0, MAX_ID) || randomId(9),
      httpMethod: c.req.method,
      path: c.req.path.slice(0, MAX_PATH),
      ...readTrace(header('traceparent'), header('tracestate'), header('baggage')),
    }
    if (incoming?.httpVersion !== undefined) this.event.httpVersion = incoming.httpVersion.replace('.0', '')
    if (local) this.event.isLocal = true
  }

  /** Serves the request with the stores that listeners have bound to the channel. */
  async serve(work: () => Promise<Response>): Promise<Response> {
    const response = await channels['request-start'].runStores(this.event, work)
    if (!this.#streams) this.#end(response.status)
    return response
  }

  /** Adds what is known of the caller. Its port is that of the last proxy where there is one. */
  identified(c: HttpRequest, caller: Caller): void {
    const { event } = this
    caller.note = event
    const { address } = caller.request
    if (address === undefined) return
    event.address = address
    const { remoteAddress, remotePort } = fetchOptions(c).incoming?.socket ?? {}
    if (remoteAddress === address && remotePort !== undefined) event.port = remotePort
  }

  refused(error: unknown): void {
    const refusal = refusalOf(error)
    const { code, message } = refusal
    const { status, cause } = refusal instanceof Refusal ? refusal : { status: 400, cause: undefined }
    const event: RefusalEvent = {
      request: this.event,
      kind: kindOf(error, refusal, status),
      status,
      code,
      reason: message.slice(0, MAX_REASON),
    }
    if (refusal !== error) event.cause = asError(error)
    else if (cause !== undefined) event.cause = asError(cause)
    this.event.refusal = event
    if (channels.refusal.hasSubscribers) publish('refusal', event)
  }

  /** The reply, a stream, with a source whose end is reported. */
  async streamed(reply: StreamReply, resumes: boolean): Promise<Reply> {
    this.#streams = true
    const { watchStream } = STREAM_EVENTS.now ?? (await STREAM_EVENTS.load())
    return watchStream(reply, this.event, resumes, this.#clock, () => this.#end(200))
  }

  #end(status: number): void {
    const event = Object.assign(this.event, { status, durationMs: this.#clock.now() - this.#began })
    if (channels.request.hasSubscribers) publish('request', event)
  }
}

/** Undefined where nobody listens. */
export function watchRequest(parts: EventParts, c: HttpRequest, header: ReadHeader): WatchedRequest | undefined {
  return requestsAreHeard() ? new WatchedRequest(parts, c, header) : undefined
}

const OF_TOKENS = {
  missing: 'token_missing',
  malformed: 'token_malformed',
  invalid: 'token_invalid',
  scope: 'scope',
  unavailable: 'authorization_server',
} as const

function kindOf(error: unknown, refusal: ProtocolError, status: number): RefusalKind {
  if (error instanceof AuthRefusal) return OF_TOKENS[error.kind]
  if (error instanceof StoreUnavailable || error instanceof UnreadableRecord) return 'store'
  if (refusal instanceof Refusal && refusal.about !== undefined) return refusal.about
  if (status === 404 && refusal.code === ErrorCode.SessionNotFound) return 'session'
  if (status === 500) return 'failure'
  return status === 413 || status === 429 || status === 503 ? 'limit' : 'request'
}
