/** Refusals for want of a token or of scopes: RFC 6750, with the metadata of RFC 9728. */
import { retryAfter } from '../base/ids.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { RequestId } from '../protocol/jsonrpc.ts'
import { Refusal } from '../protocol/refusal.ts'

type RefusalKind = 'missing' | 'malformed' | 'invalid' | 'scope' | 'unavailable'

const STATUS = { missing: 401, malformed: 400, invalid: 401, scope: 403, unavailable: 503 } as const
const ERROR = { malformed: 'invalid_request', invalid: 'invalid_token', scope: 'insufficient_scope' } as const

interface AuthRefusalDetails {
  /** Every scope that the operation needs. */
  scopes?: readonly string[]
  /** The address of the resource's metadata (RFC 9728, 5.1). */
  metadata?: string | undefined
  id?: RequestId | undefined
  cause?: unknown
  /** When the client should try again, in ms from now. */
  retryAfter?: number
}

export class AuthRefusal extends Refusal {
  override readonly name = 'AuthRefusal'
  readonly kind: RefusalKind
  readonly #details: AuthRefusalDetails

  constructor(kind: RefusalKind, message: string, details: AuthRefusalDetails = {}) {
    const code = kind === 'unavailable' ? ErrorCode.InternalError : ErrorCode.InvalidRequest
    super(STATUS[kind], code, message, { ...details, headers: headers(kind, message, details) })
    this.kind = kind
    this.#details = details
  }

  /** The same refusal with the address of the resource's metadata, which depends on the route. */
  withMetadata(metadata: string | undefined): AuthRefusal {
    return new AuthRefusal(this.kind, this.message, { ...this.#details, metadata })
  }
}

function headers(
  kind: RefusalKind,
  message: string,
  { scopes = [], metadata, retryAfter: wait = 0 }: AuthRefusalDetails,
) {
  if (kind === 'unavailable') return { 'Retry-After': retryAfter(Math.max(1, Math.ceil(wait / 1_000))) }
  const parts: string[] = []
  if (kind !== 'missing') parts.push(`error="${ERROR[kind]}"`, `error_description="${quoted(message)}"`)
  if (scopes.length > 0) parts.push(`scope="${quoted(scopes.join(' '))}"`)
  if (metadata !== undefined) parts.push(`resource_metadata="${quoted(metadata)}"`)
  return { 'WWW-Authenticate': `Bearer ${parts.join(', ')}`.trimEnd() }
}

/** RFC 6750 allows neither quotes nor backslashes, and clients do not expect them escaped. */
function quoted(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, "'")
}

/** The token is wrong. */
export function invalid(message: string): AuthRefusal {
  return new AuthRefusal('invalid', message)
}

/** The authorization server failed. The client gets one sentence, and the cause, where there is one, is reported. */
export function unavailable(cause: unknown, retryAfter?: number): AuthRefusal {
  const message = 'The authorization server does not answer, so the token cannot be checked now. Try again.'
  return new AuthRefusal('unavailable', message, { cause, ...(retryAfter !== undefined && { retryAfter }) })
}
