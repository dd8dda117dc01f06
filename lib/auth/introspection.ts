/** Opaque tokens: the authorization server is asked about each (RFC 7662). */
import { type Clock, WALL_TOLERANCE } from '../base/clock.ts'
import type { AuthInfo } from '../protocol/auth-info.ts'
import { isObject } from '../protocol/jsonrpc.ts'
import { refusalText } from '../protocol/refusal-texts.ts'
import { TokenCache } from './cache.ts'
import { readClaims, requireAudience, type TokenCheck } from './claims.ts'
import { OWN_CONNECTION, PATIENCE } from './connection.ts'
import { type AuthOptions, type IntrospectionOptions, issuersOf } from './options.ts'
import { AuthRefusal, invalid, unavailable } from './refusal.ts'
import { OUTLIVES, Questions, type Report } from './remote.ts'

/** How long an answer is used, in ms. */
export const DEFAULT_CACHE_FOR = 30_000

/** HTTP Basic as RFC 6749 (2.3.1) defines it: id and secret are form-encoded before they are joined. */
function basic({ clientId, clientSecret }: IntrospectionOptions): string {
  const encode = (text: string) => encodeURIComponent(text).replace(/%20/g, '+')
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(clientSecret)}`).toString('base64')}`
}

/** Statuses of a server or gateway that is away. Another status is about the request, and others may get an answer. */
const AWAY = new Set([429, 502, 503, 504])

export function introspector(
  options: AuthOptions,
  at: IntrospectionOptions,
  audiences: ReadonlySet<string>,
  clock: Clock,
  report: Report,
): TokenCheck {
  const issuers = issuersOf(options)
  const { clockTolerance = WALL_TOLERANCE } = options
  const { cacheFor = DEFAULT_CACHE_FOR } = at
  const questions = new Questions(clock, report)
  /** The last answers about valid tokens, for the time in which the server is away. */
  const answers = new TokenCache<AuthInfo>()
  const requireTimes = ({ exp, nbf }: Readonly<Record<string, unknown>>) => {
    const now = clock.wall()
    if (typeof exp === 'number' && exp * 1_000 + clockTolerance <= now) throw invalid('The token has expired.')
    if (typeof nbf === 'number' && nbf * 1_000 - clockTolerance > now) throw invalid('The token is not valid yet.')
  }
  const read = (claims: Record<string, unknown>, token: string): AuthInfo => {
    const iss = claims.iss ?? issuers[0]
    if (claims.active !== true) throw invalid('The token is not active.')
    if (typeof iss !== 'string' || !issuers.includes(iss)) {
      throw invalid(refusalText('issuer', typeof iss === 'string' ? iss : undefined))
    }
    // An answer without an audience does not show that the token is meant for this endpoint.
    requireAudience(claims.aud, audiences)
    requireTimes(claims)
    return readClaims(claims, iss, token)
  }
  return async (token) => {
    try {
      const auth = read(await introspect(at, token, questions), token)
      // Whoever wants every token to be checked (0) wants no older answers.
      if (cacheFor > 0) answers.set(token, auth, clock.now() + cacheFor + OUTLIVES)
      return auth
    } catch (error) {
      const known = answers.get(token, clock.now())
      if (error instanceof AuthRefusal && error.kind === 'unavailable' && known) {
        requireTimes(known.claims)
        return known
      }
      answers.delete(token)
      throw error
    }
  }
}

async function introspect(
  at: IntrospectionOptions,
  token: string,
  questions: Questions,
): Promise<Record<string, unknown>> {
  const response = await questions.ask(async () => {
    const response = await fetch(at.url, {
      method: 'POST',
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE),
      headers: { ...OWN_CONNECTION, authorization: basic(at), accept: 'application/json' },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
    })
    if (!AWAY.has(response.status)) return response
    await response.body?.cancel()
    throw new Error(`The introspection endpoint answered ${response.status}.`)
  })
  try {
    const answer: unknown = response.status === 200 ? await response.json() : await response.body?.cancel()
    if (!isObject(answer)) throw new Error(`The introspection endpoint answered ${response.status}.`)
    return answer
  } catch (error) {
    throw unavailable(error)
  }
}
