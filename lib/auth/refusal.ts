/** How a request is refused for want of a token or of scopes: RFC 6750, with the metadata of RFC 9728. */

export type RefusalKind = 'missing' | 'malformed' | 'invalid' | 'scope' | 'unavailable'

const STATUS = { missing: 401, malformed: 400, invalid: 401, scope: 403, unavailable: 503 } as const
const ERROR = { malformed: 'invalid_request', invalid: 'invalid_token', scope: 'insufficient_scope' } as const

/** A request that is not served. The message goes to the client. */
export class AuthRefusal extends Error {
  override readonly name = 'AuthRefusal'
  readonly kind: RefusalKind
  /** With `scope`: every scope that the operation needs. */
  readonly scopes: readonly string[]

  constructor(kind: RefusalKind, message: string, options: { scopes?: readonly string[]; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.kind = kind
    this.scopes = options.scopes ?? []
  }

  get status(): number {
    return STATUS[this.kind]
  }

  /** The headers of the response. `metadata` is the address of the resource's metadata. */
  headers(metadata: string | undefined): Record<string, string> {
    if (this.kind === 'unavailable') return { 'Retry-After': '1' }
    const parts: string[] = []
    if (this.kind !== 'missing') {
      parts.push(`error="${ERROR[this.kind]}"`, `error_description="${quoted(this.message)}"`)
    }
    if (this.scopes.length > 0) parts.push(`scope="${quoted(this.scopes.join(' '))}"`)
    if (metadata !== undefined) parts.push(`resource_metadata="${quoted(metadata)}"`)
    return { 'WWW-Authenticate': parts.length > 0 ? `Bearer ${parts.join(', ')}` : 'Bearer' }
  }
}

/** RFC 6750 allows neither quotes nor backslashes, and clients do not expect them escaped. */
function quoted(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, "'")
}

/** @throws AuthRefusal which names the authorization server's failure as its cause, and not in its message */
export function unavailable(cause: unknown): AuthRefusal {
  const message = 'The authorization server does not answer, so the token cannot be checked now. Try again.'
  return new AuthRefusal('unavailable', message, { cause })
}
