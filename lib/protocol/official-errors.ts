/** The error classes of the official SDK beside `McpError`, for servers that were written for it, and their recognition. */
import { ErrorCode, McpError, OfficialError } from './errors.ts'
import type { ClientCapabilities, ElicitRequestURLParams } from './types.ts'

/**
 * Thrown where a page must be opened before the call can work. Only 2025-11-25 has this error. `ctx.elicitUrl` works in
 * 2026-07-28, too.
 */
export class UrlElicitationRequiredError extends McpError {
  readonly elicitations: readonly ElicitRequestURLParams[]

  constructor(elicitations: readonly ElicitRequestURLParams[], message?: string) {
    const text = message ?? `URL elicitation${elicitations.length > 1 ? 's' : ''} required`
    super(ErrorCode.UrlElicitationRequired, text, { elicitations })
    this.elicitations = elicitations
  }
}

/** SDK 2.x: there is no such resource. */
export class ResourceNotFoundError extends OfficialError {
  override readonly name = 'ResourceNotFoundError'
  readonly uri: string

  constructor(uri: string, message = `Resource not found: ${uri}`) {
    super(ErrorCode.InvalidParams, message, { uri })
    this.uri = uri
  }
}

/** SDK 2.x: the handler needs a capability that the client did not declare. */
export class MissingRequiredClientCapabilityError extends OfficialError {
  override readonly name = 'MissingRequiredClientCapabilityError'
  readonly requiredCapabilities: ClientCapabilities

  constructor(data: { requiredCapabilities: ClientCapabilities }, message?: string) {
    const names = Object.keys(data.requiredCapabilities).join(', ')
    super(ErrorCode.MissingClientCapability, message ?? `Missing required client capabilities: ${names}`, data)
    this.requiredCapabilities = data.requiredCapabilities
  }
}

/** The codes of SDK 2.x, by its names. */
export const ProtocolErrorCode = {
  ParseError: ErrorCode.ParseError,
  InvalidRequest: ErrorCode.InvalidRequest,
  MethodNotFound: ErrorCode.MethodNotFound,
  InvalidParams: ErrorCode.InvalidParams,
  InternalError: ErrorCode.InternalError,
  ResourceNotFound: ErrorCode.ResourceNotFound,
  MissingRequiredClientCapability: ErrorCode.MissingClientCapability,
  UnsupportedProtocolVersion: ErrorCode.UnsupportedProtocolVersion,
  UrlElicitationRequired: ErrorCode.UrlElicitationRequired,
} as const

export type ProtocolErrorCode = (typeof ProtocolErrorCode)[keyof typeof ProtocolErrorCode]
