/** The error codes of JSON-RPC and MCP, and the one error class that becomes a JSON-RPC error. */
import type { JsonRpcErrorObject, RequestId } from './jsonrpc.ts'

export const ErrorCode = {
  ParseError: -32700,
  InvalidRequest: -32600,
  MethodNotFound: -32601,
  InvalidParams: -32602,
  InternalError: -32603,
  /** No such session, or any refusal of the transport that has no code of its own. Session revisions only. */
  SessionNotFound: -32001,
  ServerError: -32000,
  /** Session revisions only; the stateless revision has InvalidParams for it. */
  ResourceNotFound: -32002,
  /** 2025-11-25 only. */
  UrlElicitationRequired: -32042,
  /** Stateless revision. */
  HeaderMismatch: -32020,
  /** Stateless revision. */
  MissingClientCapability: -32021,
  /** Stateless revision. */
  UnsupportedProtocolVersion: -32022,
} as const

/**
 * A failure that the client gets as a JSON-RPC error.
 * If a handler throws it, it becomes the error response of the request, not a tool error.
 */
export class ProtocolError extends Error {
  override readonly name: string = 'ProtocolError'
  readonly code: number
  readonly data: unknown
  /** The id of the message that was refused, where it could be read. */
  readonly id: RequestId | undefined

  constructor(code: number, message: string, data?: unknown, id?: RequestId) {
    super(message)
    this.code = code
    this.data = data
    this.id = id
  }

  toObject(): JsonRpcErrorObject {
    const { code, message, data } = this
    return data === undefined ? { code, message } : { code, message, data }
  }
}

export function invalidRequest(message: string, id?: RequestId): ProtocolError {
  return new ProtocolError(ErrorCode.InvalidRequest, message, undefined, id)
}

export function invalidParams(message: string, id?: RequestId): ProtocolError {
  return new ProtocolError(ErrorCode.InvalidParams, message, undefined, id)
}
