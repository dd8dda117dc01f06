/** The caller, as a verified token describes it. Absent where the endpoint has no authorization. */
export interface AuthInfo {
  issuer: string
  subject: string
  clientId?: string
  scopes: readonly string[]
  /** Seconds since 1970. */
  expiresAt?: number
  /** Every claim of the token, or the introspection response. */
  claims: Readonly<Record<string, unknown>>
  /** The token itself, for exchange. It must not be passed on as it is. */
  token: string
}

/** Whether the caller has all of these scopes. Without authorization no caller lacks one. */
export function hasScopes(auth: AuthInfo | undefined, scopes: readonly string[]): boolean {
  return auth === undefined || scopes.every((scope) => auth.scopes.includes(scope))
}
