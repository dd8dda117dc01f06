/** Finds the caller of a request from its Authorization header, or refuses the request. */
import type { Clock } from '../base/clock.ts'
import { digest } from '../base/ids.ts'
import type { AuthInfo } from '../protocol/auth-info.ts'
import { readBearer } from './bearer.ts'
import { TokenCache } from './cache.ts'
import { type Identity, readClaims, type TokenCheck } from './claims.ts'
import { discover, type IssuerMetadata } from './discovery.ts'
import { endOf, identify } from './identify.ts'
import { DEFAULT_CACHE_FOR, introspector } from './introspection.ts'
import { jwtVerifier } from './jwt.ts'
import { type AuthOptions, issuersOf, type VerifiedToken } from './options.ts'
import { AuthRefusal, invalid, unavailable } from './refusal.ts'
import { Remote, type Report } from './remote.ts'

/** How long a refused token is refused again without a check, in ms. Longer than a check may take. */
const REFUSED_FOR = 10_000
/** How long a valid token is remembered as one, in ms. */
const SEEN_FOR = 3_600_000

export class Authenticator {
  readonly #options: AuthOptions
  /** The scopes that a client without a token should ask for. */
  readonly scopes: readonly string[]
  readonly #clock: Clock
  readonly #known: ReadonlySet<string>
  readonly #jwt: TokenCheck | undefined
  readonly #introspector: TokenCheck | undefined
  readonly #identities = new TokenCache<Identity>()
  /** By digest: tokens of unknown clients are not kept. */
  readonly #refused = new TokenCache<AuthRefusal>()
  /** Tokens that were valid. They are checked again, and the limit of their address does not count them. */
  readonly #seen = new TokenCache<true>()
  readonly #underWay = new Map<string, Promise<Identity>>()
  readonly #metadata = new Map<string, Remote<IssuerMetadata>>()
  readonly #report: Report

  /**
   * @param known every scope that something of the server needs: `scopeCovers` is asked for each
   * @param resources the addresses of the endpoint, each an audience
   * @param report receives the causes where an authorization server does not answer
   */
  constructor(
    options: AuthOptions,
    known: ReadonlySet<string>,
    resources: readonly string[],
    clock: Clock,
    report: Report,
  ) {
    this.#options = options
    this.scopes = options.scopes ?? []
    this.#clock = clock
    this.#known = known
    this.#report = report
    const { audiences = [], introspection, jwks, verify } = options
    if (verify) return
    const taken = new Set([...resources, ...audiences])
    if (introspection) this.#introspector = introspector(options, introspection, taken, clock, report)
    if (!introspection || jwks !== undefined) {
      this.#jwt = jwtVerifier(options, taken, clock, report, (issuer) => this.metadataOf(issuer))
    }
  }

  /**
   * Fetched once, and again after a failure.
   * @throws AuthRefusal 503
   */
  metadataOf(issuer: string): Promise<IssuerMetadata> {
    const ask = () => discover(issuer, this.#options.insecureHttp)
    const metadata = this.#metadata.get(issuer) ?? new Remote(ask, this.#clock, this.#report)
    this.#metadata.set(issuer, metadata)
    return metadata.get(Number.POSITIVE_INFINITY, 0)
  }

  /**
   * Finds the caller: at once, without a promise, where the token was checked a moment ago.
   * @throws AuthRefusal (or rejects with it)
   */
  authenticate(authorization: string | undefined): Identity | Promise<Identity> {
    const token = readBearer(authorization, this.scopes)
    const now = this.#clock.now()
    const known = this.#identities.get(token, now)
    // The monotonic clock stands still while a machine sleeps: a token is not kept beyond its expiry for that.
    if (known && (known.until === undefined || known.until > this.#clock.wall())) return known
    const refused = this.#refused.get(digest(token, 16), now)
    if (refused) throw refused
    return this.#check(token)
  }

  /** True for a token that was valid when it was last checked. */
  wasValid(authorization: string | undefined): boolean {
    const token = authorization?.slice('bearer '.length)
    if (token === undefined) return false
    const now = this.#clock.now()
    return this.#identities.get(token, now) !== undefined || this.#seen.get(token, now) !== undefined
  }

  /** Requests with the same token that come together wait for one check. */
  #check(token: string): Promise<Identity> {
    const check = this.#underWay.get(token) ?? this.#verify(token).finally(() => this.#underWay.delete(token))
    this.#underWay.set(token, check)
    return check
  }

  async #verify(token: string): Promise<Identity> {
    const now = this.#clock.now()
    try {
      const { auth, cacheFor } = await this.#verified(token)
      const identity = identify(auth, this.#options, this.#known)
      const left = identity.until === undefined ? cacheFor : identity.until - this.#clock.wall()
      if (cacheFor > 0) this.#identities.set(token, identity, now + Math.min(cacheFor, left))
      this.#seen.set(token, true, now + SEEN_FOR)
      return identity
    } catch (error) {
      const refusal = error instanceof AuthRefusal ? error : unavailable(error)
      // A refusal by `verify` is not kept: the author's reasons may change.
      const final = refusal.kind === 'invalid' || refusal.kind === 'scope'
      if (final) this.#seen.delete(token)
      if (final && !this.#options.verify) this.#refused.set(digest(token, 16), refusal, now + REFUSED_FOR)
      throw refusal
    }
  }

  async #verified(token: string): Promise<{ auth: AuthInfo; cacheFor: number }> {
    const { verify, cacheFor = 60_000, introspection } = this.#options
    if (verify) return { auth: this.#given(await verify(token), token), cacheFor: 0 }
    const isJwt = token.split('.').length === 3
    if (this.#jwt && (isJwt || !this.#introspector)) return { auth: await this.#jwt(token), cacheFor }
    if (!this.#introspector) throw new Error('auth: nothing checks this token.')
    return { auth: await this.#introspector(token), cacheFor: introspection?.cacheFor ?? DEFAULT_CACHE_FOR }
  }

  #given(verified: VerifiedToken | undefined, token: string): AuthInfo {
    if (!verified) throw invalid('The token is not valid.')
    const { subject, clientId, scopes = [], expiresAt, claims = {} } = verified
    const issuer = verified.issuer ?? issuersOf(this.#options)[0] ?? ''
    if (expiresAt !== undefined && endOf(expiresAt, this.#options) <= this.#clock.wall()) {
      throw invalid('The token has expired.')
    }
    const all = { ...claims, sub: subject, client_id: clientId, scope: [...scopes], exp: expiresAt }
    return { ...readClaims(all, issuer, token), claims }
  }
}
