/** The principal of a token, as an endpoint with these settings computes it. Nothing is asked, and no signature is checked. */
import { principalOf, readClaims } from '../auth/claims.ts'
import { type AuthOptions, issuersOf } from '../auth/options.ts'
import { isObject, type JsonObject } from '../protocol/jsonrpc.ts'

/**
 * @param token a JWT
 * @throws Error with one line, which does not repeat the token
 */
export function principalOfToken(token: string, auth: AuthOptions | undefined): string {
  if (auth === undefined)
    throw new Error('AUTH_ISSUER is not set: without authorization all callers are one principal.')
  const claims = claimsOf(token)
  const { iss } = claims
  const issuers = issuersOf(auth)
  if (typeof iss !== 'string' || !issuers.includes(iss)) {
    throw new Error(`The token is one of ${JSON.stringify(iss ?? null)}, and AUTH_ISSUER is ${issuers.join(', ')}.`)
  }
  return principalOf(readClaims(claims, iss, token), auth.tenantClaim)
}

function claimsOf(token: string): JsonObject {
  const [, payload = '', signature] = token.trim().split('.')
  if (signature === undefined) {
    throw new Error('The token is no JWT: only the authorization server can say whose it is.')
  }
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    if (isObject(claims)) return claims
  } catch {
    // It is refused below.
  }
  throw new Error('The token is no JWT: its second part is no JSON.')
}
