/** The one place that makes responses. */
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import { errorText, type RequestId } from '../protocol/jsonrpc.ts'
import { Refusal } from '../protocol/refusal.ts'
import { sseMessage } from '../protocol/sse.ts'
import { type Reply, TRY_LATER, TRY_SOON } from '../runtime/reply.ts'
import { UnreadableRecord } from '../session/stream/session.ts'
import { StoreRefused, StoreUnavailable } from '../store/store.ts'
import type { FetchOptions } from './fetch-options.ts'
import type { Accepted } from './headers.ts'
import { type StreamParts, streamBody } from './stream-body.ts'

const JSON_HEADERS = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }

/** Nothing between here and the client may hold back, change or keep a stream. */
const SSE_HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
}

/**
 * @param extra headers that every response to this request has
 * @param client the name under which limits count the reader
 */
export function respond(
  reply: Reply,
  accepted: Accepted,
  extra: Record<string, string> | undefined,
  streams: Omit<StreamParts, 'client'>,
  client: string | undefined,
  platform: FetchOptions,
): Response {
  if (reply.kind === 'stream') return respondStream(reply, extra, { ...streams, client }, platform)
  if (reply.kind === 'empty')
    return new Response(null, { status: reply.status, headers: { ...reply.headers, ...extra } })
  if (reply.status === 200 && !accepted.json && accepted.sse) {
    // A client that takes streams alone gets a stream of one message.
    return new Response(sseMessage(reply.body), { headers: { ...SSE_HEADERS, ...reply.headers, ...extra } })
  }
  const headers = reply.headers || extra ? { ...JSON_HEADERS, ...reply.headers, ...extra } : JSON_HEADERS
  const body = (reply.bytes?.() as Uint8Array<ArrayBuffer> | undefined) ?? reply.body
  return new Response(body, { status: reply.status, headers })
}

function respondStream(
  { source, headers: own }: Extract<Reply, { kind: 'stream' }>,
  extra: Record<string, string> | undefined,
  parts: StreamParts,
  { outgoing }: FetchOptions,
): Response {
  const breakConnection = outgoing?.destroy ? () => void outgoing.destroy?.() : undefined
  return new Response(streamBody(source, parts, breakConnection), { headers: { ...SSE_HEADERS, ...own, ...extra } })
}

/** A ProtocolError that is no Refusal: the client sent something that is not the protocol. */
const BAD_REQUEST = { status: 400, headers: {} }

/**
 * The response to a request whose handling threw `error`. Its body is JSON-RPC in every case, since clients read the body
 * to tell revisions apart. The cause of a refusal is reported and not sent.
 *
 * @param id of the request, where it was read; used where the error has none
 */
export function refuse(
  error: unknown,
  extra: Record<string, string> | undefined,
  onError: (error: unknown) => void,
  id?: RequestId,
): Response {
  const known = refusalOf(error)
  const { status, headers } = known instanceof Refusal ? known : BAD_REQUEST
  if (known instanceof Refusal && known.cause !== undefined) onError(known.cause)
  const body = errorText(known.toObject(), known.id ?? id)
  return new Response(body, { status, headers: { ...JSON_HEADERS, ...headers, ...extra } })
}

/** The error of the protocol that a request gets whose handling threw `error`. */
export function refusalOf(error: unknown): ProtocolError {
  return error instanceof ProtocolError ? error : failure(error)
}

/** The refusal for an error that is not of the protocol. */
function failure(error: unknown): Refusal {
  // The store reports the cause to the operator.
  if (error instanceof StoreRefused) {
    const message = 'The session store refuses this instance; its operator finds the reason in the log.'
    return new Refusal(503, ErrorCode.InternalError, message, { headers: TRY_SOON })
  }
  if (error instanceof StoreUnavailable || error instanceof UnreadableRecord) {
    // Never 404: it would make the client give its session up.
    const predicate = error instanceof StoreUnavailable ? error.predicate : 'did not answer'
    const message = `The session store ${predicate}; the session is not lost. Try again.`
    const headers = error instanceof StoreUnavailable && error.lasting ? TRY_LATER : TRY_SOON
    return new Refusal(503, ErrorCode.InternalError, message, { headers })
  }
  return new Refusal(500, ErrorCode.InternalError, 'The endpoint failed to answer.', { cause: error })
}
