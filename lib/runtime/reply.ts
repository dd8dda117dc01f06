/** What the session floor hands up to HTTP: a reply, and for a streaming one the sink that HTTP lends it. */

import { ErrorCode } from '../protocol/errors.ts'
import type { RequestId } from '../protocol/jsonrpc.ts'
import { errorText } from '../protocol/jsonrpc.ts'

/** The live body of one streaming response, implemented by lib/http. */
export interface Sink {
  /** Writes SSE text. False: the reader is too slow and its buffer is full; the text was not taken. */
  write(text: string): boolean
  /** Ends the response. Nothing may be written afterwards. */
  end(): void
}

export type Reply =
  | {
      kind: 'json'
      status: number
      body: string
      /** The same as bytes, made when they are asked for: where they cost less than the text. */
      bytes?: (() => Uint8Array) | undefined
      headers?: Record<string, string>
    }
  | { kind: 'empty'; status: number; headers?: Record<string, string> }
  | { kind: 'stream'; headers?: Record<string, string>; source: StreamSource }

/** Who fills a streaming response. */
export interface StreamSource {
  /** The response has begun; called once. */
  attach(sink: Sink): void
  /** The client has gone, or the response failed. Not called after {@link Sink.end}. */
  detached(): void
}

export const TRY_SOON = { 'Retry-After': '1' }

/** A refusal with its JSON-RPC body. */
export function refusal(status: number, code: number, message: string, id?: RequestId, data?: unknown): Reply {
  const error = data === undefined ? { code, message } : { code, message, data }
  return { kind: 'json', status, body: errorText(error, id) }
}

/** What every unknown, ended or foreign session gets: clients then open a new one. */
export function sessionNotFound(id?: RequestId): Reply {
  return refusal(404, ErrorCode.SessionNotFound, 'Session not found. Send initialize without Mcp-Session-Id.', id)
}

/** A streaming response that ends at once: the answer to a call that was cancelled. */
export const emptyStream: StreamSource = {
  attach: (sink) => sink.end(),
  detached: () => {},
}

export function tooManySessions(max: number, id?: RequestId): Reply {
  const message = `There are ${max} sessions of this caller. End some with DELETE, or try again when some have expired.`
  return { ...refusal(429, ErrorCode.ServerError, message, id), headers: { 'Retry-After': '10' } }
}

export function tooManyStreams(id?: RequestId): Reply {
  const message = 'This instance holds as many streams as it may. Try again: another one may have room.'
  return { ...refusal(503, ErrorCode.ServerError, message, id), headers: { 'Retry-After': '5' } }
}
