/** The one place that makes responses. */
import type { RequestId } from '../protocol/jsonrpc.ts'
import { errorText } from '../protocol/jsonrpc.ts'
import { sseMessage } from '../protocol/sse.ts'
import type { Reply } from '../runtime/reply.ts'
import type { Accepted } from './headers.ts'
import { streamBody } from './stream-body.ts'

const JSON_HEADERS = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }

/** Nothing between here and the client may hold back, change or keep a stream. */
const SSE_HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
}

export interface RespondOptions {
  maxBuffered: number
}

export function respond(
  reply: Reply,
  accepted: Accepted,
  extra: Record<string, string> | undefined,
  options: RespondOptions,
): Response {
  if (reply.kind === 'stream') {
    const headers = { ...SSE_HEADERS, ...reply.headers, ...extra }
    return new Response(streamBody(reply.source, options.maxBuffered), { status: 200, headers })
  }
  if (reply.kind === 'empty')
    return new Response(null, { status: reply.status, headers: { ...reply.headers, ...extra } })
  if (reply.status === 200 && !accepted.json && accepted.sse) {
    // A client that takes streams alone gets a stream of one message.
    return new Response(sseMessage(reply.body), {
      status: 200,
      headers: { ...SSE_HEADERS, ...reply.headers, ...extra },
    })
  }
  const headers = reply.headers || extra ? { ...JSON_HEADERS, ...reply.headers, ...extra } : JSON_HEADERS
  const body = (reply.bytes?.() as Uint8Array<ArrayBuffer> | undefined) ?? reply.body
  return new Response(body, { status: reply.status, headers })
}

/** An error response; its body is JSON-RPC in every case, since clients read the body to tell revisions apart. */
export function failure(
  status: number,
  code: number,
  message: string,
  headers?: Record<string, string>,
  id?: RequestId,
): Response {
  return new Response(errorText({ code, message }, id), { status, headers: { ...JSON_HEADERS, ...headers } })
}
