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
  type StreamStart,
} from '../base/events.ts'
import { randomId } from '../base/ids.ts'
import { ErrorCode, type ProtocolError } from '../protocol/errors.ts'
import { Refusal } from '../protocol/refusal.ts'
import { readTrace } from '../protocol/trace-context.ts'
import { type Reply, watchWriter } from '../runtime/reply.ts'
import { UnreadableRecord } from '../session/stream/session.ts'
import { StoreUnavailable } from '../store/store.ts'
import { fetchOptions } from './fetch-options.ts'
import type { ReadHeader } from './headers.ts'
import type { HttpRequest } from './request.ts'
import { refusalOf } from './respond.ts'
import type { RouteParts } from './route.ts'

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
    const { requestId } = fetchOptions(c)
    // The id that a load balancer gave the request.
    const id = requestId ?? header('x-request-id') ?? header('x-cloud-trace-context')
    this.event = {
      instance,
      id: id?.slice(0, MAX_ID) || randomId(9),
      httpMethod: c.req.method,
      path: c.req.path.slice(0, MAX_PATH),
      ...readTrace(header('traceparent'), header('tracestate')),
    }
  }

  /** Serves the request with the stores that listeners have bound to the channel. */
  async serve(work: () => Promise<Response>): Promise<Response> {
    const response = await channels['request-start'].runStores(this.event, work)
    if (!this.#streams) this.#end(response.status)
    return response
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

  /** The reply with a source whose end is reported, where it is a stream. */
  watch(reply: Reply, resumes: boolean): Reply {
    if (reply.kind !== 'stream') return reply
    this.#streams = true
    const { source } = reply
    const began = this.#clock.now()
    const event: StreamStart = { request: this.event, kind: this.#streamKind(resumes) }
    let [characters, writes, over, left] = [0, 0, false, false]
    const end = (outcome: 'ended' | 'closed') => {
      if (over) return
      over = true
      const durationMs = this.#clock.now() - began
      const ended = Object.assign(event, { outcome, characters, writes, durationMs })
      if (channels.stream.hasSubscribers) publish('stream', ended)
      this.#end(200)
    }
    return {
      ...reply,
      source: {
        attach(writer) {
          if (channels['stream-start'].hasSubscribers) publish('stream-start', event)
          const counting = watchWriter(writer, {
            writing(text) {
              characters += text.length
              writes++
            },
            ended: () => end(left ? 'closed' : 'ended'),
          })
          source.attach(counting)
        },
        detached() {
          left = true
          source.detached()
          end('closed')
        },
      },
    }
  }

  #streamKind(resumes: boolean): StreamStart['kind'] {
    const { httpMethod, method, path } = this.event
    if (httpMethod !== 'GET') return method === 'subscriptions/listen' ? 'listen' : 'call'
    if (resumes) return 'resume'
    return /\/sse\/?$/.test(path) ? 'legacy' : 'get'
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
