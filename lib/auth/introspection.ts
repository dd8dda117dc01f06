/** Opaque tokens: the authorization server is asked about each (RFC 7662). */
import type { Clock } from '../base/clock.ts'
import type { AuthInfo } from '../protocol/auth-info.ts'
import { isObject } from '../protocol/jsonrpc.ts'
import { audienceIncludes, readClaims } from './claims.ts'
import { OWN_CONNECTION } from './connection.ts'
import { PATIENCE } from './discovery.ts'
import { type AuthOptions, type IntrospectionOptions, issuersOf } from './options.ts'
import { AuthRefusal, unavailable } from './refusal.ts'

/** HTTP Basic as RFC 6749 (2.3.1) defines it: id and secret are form-encoded before they are joined. */
function basic(id: string, secret: string): string {
  const encode = (text: string) => encodeURIComponent(text).replace(/%20/g, '+')
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`
}

export class Introspector {
  readonly #options: AuthOptions
  readonly #at: IntrospectionOptions
  readonly #audiences: ReadonlySet<string>
  readonly #clock: Clock

  constructor(options: AuthOptions, at: IntrospectionOptions, audiences: ReadonlySet<string>, clock: Clock) {
    this.#options = options
    this.#at = at
    this.#audiences = audiences
    this.#clock = clock
  }

  /** @throws AuthRefusal */
  async verify(token: string): Promise<AuthInfo> {
    const claims = await this.#ask(token)
    if (claims.active !== true) throw new AuthRefusal('invalid', 'The token is not active.')
    const issuers = issuersOf(this.#options)
    const issuer = claims.iss ?? issuers[0]
    if (typeof issuer !== 'string' || !issuers.includes(issuer)) {
      throw new AuthRefusal('invalid', 'The token is not from an authorization server of this endpoint.')
    }
    // An answer without an audience does not show that the token is meant for this endpoint.
    if (!audienceIncludes(claims.aud, this.#audiences)) {
      throw new AuthRefusal('invalid', 'The token is not for this endpoint.')
    }
    const { clockTolerance = 5_000 } = this.#options
    const now = this.#clock.now()
    if (typeof claims.exp === 'number' && claims.exp * 1_000 + clockTolerance <= now) {
      throw new AuthRefusal('invalid', 'The token has expired.')
    }
    if (typeof claims.nbf === 'number' && claims.nbf * 1_000 - clockTolerance > now) {
      throw new AuthRefusal('invalid', 'The token is not valid yet.')
    }
    return readClaims(claims, issuer, token)
  }

  async #ask(token: string): Promise<Record<string, unknown>> {
    try {
      const response = await fetch(this.#at.url, {
        method: 'POST',
        redirect: 'error',
        signal: AbortSignal.timeout(PATIENCE),
        headers: {
          ...OWN_CONNECTION,
          authorization: basic(this.#at.clientId, this.#at.clientSecret),
          accept: 'application/json',
        },
        body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
      })
      const answer: unknown = response.status === 200 ? await response.json() : await response.body?.cancel()
      if (!isObject(answer)) throw new Error(`The introspection endpoint answered ${response.status}.`)
      return answer
    } catch (error) {
      throw unavailable(error)
    }
  }
}
