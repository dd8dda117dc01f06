/** The identity of a caller whose token is valid: what is the same however it was checked. */
import { WALL_TOLERANCE } from '../base/clock.ts'
import type { AuthInfo } from '../protocol/auth-info.ts'
import { refusalText } from '../protocol/refusal-texts.ts'
import { type Identity, principalOf } from './claims.ts'
import type { AuthOptions } from './options.ts'
import { AuthRefusal } from './refusal.ts'

export type CallerOptions = Pick<AuthOptions, 'scopes' | 'scopeCovers' | 'tenantClaim' | 'clockTolerance'>

/**
 * @param known every scope that something of the server needs: `scopeCovers` is asked for each
 * @throws AuthRefusal where the token lacks scopes that every request needs
 */
export function identify(auth: AuthInfo, options: CallerOptions, known: ReadonlySet<string>): Identity {
  const scopes = withCovered(auth.scopes, options, known)
  const { scopes: needed = [] } = options
  const missing = needed.filter((scope) => !scopes.includes(scope))
  if (missing.length > 0) throw new AuthRefusal('scope', refusalText('scopes', missing, true), { scopes: needed })
  return {
    auth: { ...auth, scopes },
    principal: principalOf(auth, options.tenantClaim),
    until: auth.expiresAt === undefined ? undefined : endOf(auth.expiresAt, options),
  }
}

/** When a token is refused as expired, ms since 1970. `expiresAt`: s since 1970. */
export function endOf(expiresAt: number, { clockTolerance = WALL_TOLERANCE }: CallerOptions): number {
  return expiresAt * 1_000 + clockTolerance
}

/** The granted scopes, and the scopes of this endpoint that they include. */
function withCovered(
  granted: readonly string[],
  { scopeCovers, scopes = [] }: CallerOptions,
  known: ReadonlySet<string>,
): readonly string[] {
  if (!scopeCovers) return granted
  const covered = [...new Set([...known, ...scopes])].filter(
    (required) => !granted.includes(required) && granted.some((scope) => scopeCovers(scope, required)),
  )
  return covered.length === 0 ? granted : [...granted, ...covered]
}
