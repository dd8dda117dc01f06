/** Opaque tokens: the authorization server is asked about each (RFC 7662). */
import { type Clock, WALL_TOLERANCE } from '../base/clock.ts'
import { isObject } from '../protocol/jsonrpc.ts'
import { audienceIncludes, readClaims, type TokenCheck } from './claims.ts'
import { OWN_CONNECTION, PATIENCE } from './connection.ts'
import { type AuthOptions, type IntrospectionOptions, issuersOf } from './options.ts'
import { invalid, unavailable } from './refusal.ts'

/** HTTP Basic as RFC 6749 (2.3.1) defines it: id and secret are form-encoded before they are joined. */
function basic({ clientId, clientSecret }: IntrospectionOptions): string {
  const encode = (text: string) => encodeURIComponent(text).replace(/%20/g, '+')
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(clientSecret)}`).toString('base64')}`
}

export function introspector(
  options: AuthOptions,
  at: IntrospectionOptions,
  audiences: ReadonlySet<string>,
  clock: Clock,
): TokenCheck {
  const issuers = issuersOf(options)
  const { clockTolerance = WALL_TOLERANCE } = options
  return async (token) => {
    const claims = await introspect(at, token)
    const { active, aud, exp, nbf } = claims
    const iss = claims.iss ?? issuers[0]
    if (active !== true) throw invalid('The token is not active.')
    if (typeof iss !== 'string' || !issuers.includes(iss)) {
      throw invalid('The token is not from an authorization server of this endpoint.')
    }
    // An answer without an audience does not show that the token is meant for this endpoint.
    if (!audienceIncludes(aud, audiences)) throw invalid('The token is not for this endpoint.')
    const now = clock.wall()
    if (typeof exp === 'number' && exp * 1_000 + clockTolerance <= now) throw invalid('The token has expired.')
    if (typeof nbf === 'number' && nbf * 1_000 - clockTolerance > now) throw invalid('The token is not valid yet.')
    return readClaims(claims, iss, token)
  }
}

async function introspect(at: IntrospectionOptions, token: string): Promise<Record<string, unknown>> {
  try {
    const response = await fetch(at.url, {
      method: 'POST',
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE),
      headers: { ...OWN_CONNECTION, authorization: basic(at), accept: 'application/json' },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
    })
    const answer: unknown = response.status === 200 ? await response.json() : await response.body?.cancel()
    if (!isObject(answer)) throw new Error(`The introspection endpoint answered ${response.status}.`)
    return answer
  } catch (error) {
    throw unavailable(error)
  }
}
