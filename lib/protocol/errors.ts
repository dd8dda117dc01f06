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
  /** The two that the official SDK makes itself: the call of a handler that asks has ended, and no answer came in time. */
  ConnectionClosed: -32000,
  RequestTimeout: -32001,
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

export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode]

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

/**
 * An error under a name of the official SDK. As there, a tool that throws it has a result with `isError`, unless its code is
 * `UrlElicitationRequired`; for prompts, resources and completions it is the JSON-RPC error.
 */
export class OfficialError extends ProtocolError {}

/**
 * The error of the official SDK 1.x.
 *
 * @example throw new McpError(ErrorCode.InvalidParams, 'There is no such city', { city })
 */
export class McpError extends OfficialError {
  override readonly name: string = 'McpError'

  constructor(code: number, message: string, data?: unknown) {
    super(code, `MCP error ${code}: ${message}`, data)
  }
}

/** The codes that JSON-RPC reserves. Errors of other kinds have codes of their own, such as those of gRPC or of a database. */
const isReserved = (code: number) => code >= -32_768 && code <= -32_000

/**
 * The error of a thrown value that has the shape of an error of the official SDK, of either line: they come from a package that
 * the author has installed, so that their class is unknown here.
 */
export function officialError(thrown: unknown): OfficialError | undefined {
  try {
    if (typeof thrown !== 'object' || thrown === null || !('code' in thrown) || !('message' in thrown)) return undefined
    const { code, message, name, data } = thrown as { code: unknown; message: unknown; name?: unknown; data?: unknown }
    if (typeof code !== 'number' || !Number.isSafeInteger(code) || typeof message !== 'string') return undefined
    const isNamed = name === 'McpError' || name === 'ProtocolError' || message.startsWith(`MCP error ${code}: `)
    return isNamed || isReserved(code) ? new OfficialError(code, message, data) : undefined
  } catch {
    return undefined
  }
}

export function invalidRequest(message: string, id?: RequestId): ProtocolError {
  return new ProtocolError(ErrorCode.InvalidRequest, message, undefined, id)
}

export function invalidParams(message: string, id?: RequestId): ProtocolError {
  return new ProtocolError(ErrorCode.InvalidParams, message, undefined, id)
}
