/** Access tokens that are JWTs (RFC 9068): checks their issuer, signature, audience and times. */
import type { JWTVerifyGetKey } from 'jose'
import type { Clock } from '../base/clock.ts'
import type { AuthInfo } from '../protocol/auth-info.ts'
import { audienceIncludes, readClaims } from './claims.ts'
import { OWN_CONNECTION } from './connection.ts'
import { type IssuerMetadata, PATIENCE } from './discovery.ts'
import { type AuthOptions, DEFAULT_ALGORITHMS, issuersOf, keySets } from './options.ts'
import { AuthRefusal, unavailable } from './refusal.ts'

type Jose = typeof import('jose')

/** An unknown key id causes a new fetch of the key set, at most once in so many ms. */
const COOLDOWN = 30_000
/** After a failure the keys of an issuer are not fetched again for so long, in ms. */
const AFTER_FAILURE = 2_000

/** Values of `typ` that an access token has. Others are other kinds of tokens: they are refused. */
const ACCESS_TOKEN_TYPES = new Set([undefined, 'jwt', 'at+jwt', 'application/at+jwt', 'application/jwt'])

export class JwtVerifier {
  readonly #options: AuthOptions
  readonly #issuers: ReadonlySet<string>
  readonly #audiences: ReadonlySet<string>
  readonly #clock: Clock
  readonly #discover: (issuer: string) => Promise<IssuerMetadata>
  readonly #keys = new Map<string, Promise<JWTVerifyGetKey>>()
  #jose: Promise<Jose> | undefined

  constructor(
    options: AuthOptions,
    audiences: ReadonlySet<string>,
    clock: Clock,
    discover: (issuer: string) => Promise<IssuerMetadata>,
  ) {
    this.#options = options
    this.#issuers = new Set(issuersOf(options))
    this.#audiences = audiences
    this.#clock = clock
    this.#discover = discover
    // Loaded now so that the first request need not wait, and here so that only an endpoint with authorization loads it.
    this.#load().catch(() => {})
  }

  #load(): Promise<Jose> {
    this.#jose ??= import('jose')
    return this.#jose
  }

  /** @throws AuthRefusal */
  async verify(token: string): Promise<AuthInfo> {
    const jose = await this.#load()
    const issuer = readIssuer(jose, token)
    if (issuer === undefined || !this.#issuers.has(issuer)) {
      throw new AuthRefusal('invalid', 'The token is not from an authorization server of this endpoint.')
    }
    const keys = await this.#keysOf(issuer, jose)
    try {
      const { payload, protectedHeader } = await this.#check(jose, token, issuer, keys)
      if (!ACCESS_TOKEN_TYPES.has(protectedHeader.typ?.toLowerCase())) {
        throw new AuthRefusal('invalid', 'The token is no access token.')
      }
      if (!audienceIncludes(payload.aud, this.#audiences)) {
        throw new AuthRefusal('invalid', 'The token is not for this endpoint.')
      }
      return readClaims(payload, issuer, token)
    } catch (error) {
      throw asRefusal(jose, error)
    }
  }

  async #check(jose: Jose, token: string, issuer: string, keys: JWTVerifyGetKey) {
    const { algorithms = DEFAULT_ALGORITHMS, clockTolerance = 5_000 } = this.#options
    const options = {
      issuer,
      algorithms: [...algorithms],
      requiredClaims: ['exp', 'sub', 'aud'],
      clockTolerance: clockTolerance / 1_000,
      currentDate: new Date(this.#clock.now()),
    }
    try {
      return await jose.jwtVerify(token, keys, options)
    } catch (error) {
      if (!(error instanceof jose.errors.JWKSMultipleMatchingKeys)) throw error
      // The token names no key id: each key that could have signed it is tried.
      for await (const key of error) {
        try {
          return await jose.jwtVerify(token, key, options)
        } catch (failure) {
          if (!(failure instanceof jose.errors.JWSSignatureVerificationFailed)) throw failure
        }
      }
      throw new jose.errors.JWSSignatureVerificationFailed()
    }
  }

  #keysOf(issuer: string, jose: Jose): Promise<JWTVerifyGetKey> {
    const known = this.#keys.get(issuer)
    if (known) return known
    const keys = this.#openKeys(issuer, jose)
    this.#keys.set(issuer, keys)
    keys.catch(() => this.#clock.after(AFTER_FAILURE, () => this.#keys.delete(issuer)))
    return keys
  }

  async #openKeys(issuer: string, jose: Jose): Promise<JWTVerifyGetKey> {
    const { jwks, keysFor = 600_000 } = this.#options
    const given = keySets(jwks, [...this.#issuers])[issuer]
    if (given !== undefined && typeof given !== 'string') return jose.createLocalJWKSet(given)
    try {
      const url = given ?? (await this.#discover(issuer)).jwksUri
      if (url === undefined) throw new Error(`The metadata of ${issuer} names no jwks_uri.`)
      const timing = { timeoutDuration: PATIENCE, cooldownDuration: COOLDOWN, cacheMaxAge: keysFor }
      return jose.createRemoteJWKSet(new URL(url), { ...timing, headers: OWN_CONNECTION })
    } catch (error) {
      throw unavailable(error)
    }
  }
}

/** The issuer that the token claims, read without a check: it chooses the keys. */
function readIssuer(jose: Jose, token: string): string | undefined {
  // Decoders ignore the spare bits of the last character (RFC 4648, 3.5), so that several texts would be one token. Only
  // the canonical one is taken: an author who blocks a token by its text has then blocked all of it.
  const signature = token.slice(token.lastIndexOf('.') + 1)
  if (Buffer.from(signature, 'base64url').toString('base64url') !== signature) {
    throw new AuthRefusal('invalid', 'The signature of the token is not base64url.')
  }
  try {
    return jose.decodeJwt(token).iss
  } catch {
    throw new AuthRefusal('invalid', 'The token is not a JWT.')
  }
}

/** The refusal for a failed check: of an invalid token, or because the keys could not be fetched. */
function asRefusal(jose: Jose, error: unknown): AuthRefusal {
  if (error instanceof AuthRefusal) return error
  const { errors } = jose
  if (error instanceof errors.JWTExpired) return new AuthRefusal('invalid', 'The token has expired.')
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new AuthRefusal('invalid', `The claim ${error.claim} of the token is missing or not right.`)
  }
  const token = [
    errors.JWTInvalid,
    errors.JWSInvalid,
    errors.JWSSignatureVerificationFailed,
    errors.JOSEAlgNotAllowed,
    errors.JOSENotSupported,
    errors.JWKSNoMatchingKey,
    errors.JWKInvalid,
  ]
  if (token.some((kind) => error instanceof kind)) return new AuthRefusal('invalid', 'The token is not valid.')
  return unavailable(error)
}
