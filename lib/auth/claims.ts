/** The caller's identity, read from the claims of a token or of its introspection. */
import { digest } from '../base/ids.ts'
import type { AuthInfo } from '../protocol/auth-info.ts'
import { isObject } from '../protocol/jsonrpc.ts'
import { refusalText } from '../protocol/refusal-texts.ts'
import { invalid } from './refusal.ts'

type Claims = Readonly<Record<string, unknown>>

/** The caller that a valid token identifies. */
export interface Identity {
  auth: AuthInfo
  /** The caller's name in all that is kept. It does not depend on the token's bytes: a refreshed token keeps it. */
  principal: string
  /** When the token is refused as expired, ms since 1970. */
  until: number | undefined
}

/** Checks a token, and rejects with an AuthRefusal where the caller may not use it. */
export type TokenCheck = (token: string) => Promise<AuthInfo>

/** @throws AuthRefusal */
export function readClaims(claims: Claims, issuer: string, token: string): AuthInfo {
  const { sub, exp } = claims
  if (typeof sub !== 'string' || sub === '') throw invalid('The token names no subject.')
  refuseBound(claims)
  const clientId = [claims.client_id, claims.azp, claims.cid].find((id) => typeof id === 'string')
  const info: AuthInfo = { issuer, subject: sub, scopes: scopesOf(claims), claims, token }
  if (typeof clientId === 'string') info.clientId = clientId
  if (typeof exp === 'number') info.expiresAt = exp
  return info
}

const BINDINGS: Readonly<Record<string, string>> = { jkt: 'DPoP, RFC 9449', 'x5t#S256': 'mutual TLS, RFC 8705' }

/**
 * A token that is bound to a key (`cnf`, RFC 7800) is of no use without that key, and a bearer shows none: RFC 9449, 7.2.
 * @throws AuthRefusal
 */
function refuseBound({ cnf }: Claims): void {
  const [method] = isObject(cnf) ? Object.keys(cnf) : []
  if (method === undefined) return
  const kind = BINDINGS[method] ?? 'cnf, RFC 7800'
  throw invalid(`The token is bound to a key (${kind}), and this endpoint takes bearer tokens only.`)
}

/** `scope` is text (RFC 8693). Some authorization servers give a list, and some name the claim `scp`. */
function scopesOf({ scope, scp }: Claims): string[] {
  const given = scope ?? scp
  if (typeof given === 'string') return given.split(' ').filter((name) => name !== '')
  return Array.isArray(given) ? given.filter((name) => typeof name === 'string') : []
}

/** One name for issuer, subject, client and tenant. It is a digest: keys of the store contain no names of people. */
export function principalOf({ issuer, subject, clientId, claims }: AuthInfo, tenantClaim: string | undefined): string {
  const tenant = tenantClaim === undefined ? null : (claims[tenantClaim] ?? null)
  return digest(JSON.stringify([issuer, subject, clientId ?? null, tenant]), 16)
}

/**
 * @param aud one, or a list of them
 * @throws AuthRefusal where none of them is an audience of this endpoint
 */
export function requireAudience(aud: unknown, audiences: ReadonlySet<string>): void {
  const given = (Array.isArray(aud) ? aud : [aud]).filter((one) => typeof one === 'string')
  if (given.some((one) => audiences.has(one) || audiences.has(one.replace(/\/$/, '')))) return
  throw invalid(refusalText('audience', given))
}
