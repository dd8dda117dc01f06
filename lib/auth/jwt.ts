/** Access tokens that are JWTs (RFC 9068): checks their issuer, signature, audience and times. */
import type { JSONWebKeySet, JWTVerifyGetKey, JWTVerifyOptions } from 'jose'
import { type Clock, WALL_TOLERANCE } from '../base/clock.ts'
import { refusalText } from '../protocol/refusal-texts.ts'
import { readClaims, requireAudience, type TokenCheck } from './claims.ts'
import { OWN_CONNECTION, PATIENCE } from './connection.ts'
import type { IssuerMetadata } from './discovery.ts'
import { DEFAULT_ALGORITHMS, keySets } from './keys.ts'
import { type AuthOptions, issuersOf } from './options.ts'
import { AuthRefusal, invalid, unavailable } from './refusal.ts'
import { OUTLIVES, Remote, type Report } from './remote.ts'

type Jose = typeof import('jose')

/** An unknown key id causes a new fetch of the key set, at most once in so many ms. */
const COOLDOWN = 30_000

/** Values of `typ` that an access token has. Others are other kinds of tokens: they are refused. */
const ACCESS_TOKEN_TYPES = new Set([undefined, 'jwt', 'at+jwt', 'application/at+jwt', 'application/jwt'])

export function jwtVerifier(
  options: AuthOptions,
  audiences: ReadonlySet<string>,
  clock: Clock,
  report: Report,
  discover: (issuer: string) => Promise<IssuerMetadata>,
): TokenCheck {
  const issuers = issuersOf(options)
  const { jwks, keysFor = 600_000, algorithms = DEFAULT_ALGORITHMS, clockTolerance = WALL_TOLERANCE } = options
  const given = keySets(jwks, issuers)
  const fixed = new Map<string, JWTVerifyGetKey>()
  const fetched = new Map<string, Remote<JWTVerifyGetKey>>()
  const skew = () => clock.wall() - clock.now()
  let skewBefore = skew()
  // Loaded now so that the first request need not wait, and here so that only an endpoint with authorization loads it.
  const loading = import('jose')
  loading.catch(() => {})

  const remoteKeys = (issuer: string, named: string | undefined, jose: Jose): Remote<JWTVerifyGetKey> => {
    // A machine that slept may show its sleep by the wall clock alone: then the age of the keys is not known.
    if (Math.abs(skew() - skewBefore) > WALL_TOLERANCE) {
      skewBefore = skew()
      for (const remote of fetched.values()) remote.doubt()
    }
    const fetchKeys = async () => {
      const url = named ?? (await discover(issuer)).jwksUri
      if (url === undefined) throw new Error(`The metadata of ${issuer} names no jwks_uri.`)
      return jose.createLocalJWKSet(await fetchKeySet(url))
    }
    const remote = fetched.get(issuer) ?? new Remote(fetchKeys, clock, report)
    fetched.set(issuer, remote)
    return remote
  }
  /** Keys that are not tried yet, for a token whose key is unknown; undefined where the known ones were fetched a moment ago. */
  const newerKeys = (remote: Remote<JWTVerifyGetKey>) => (remote.isYoungerThan(COOLDOWN) ? undefined : remote.ask())

  const verified = async (jose: Jose, token: string, issuer: string) => {
    const checks = {
      issuer,
      algorithms: [...algorithms],
      requiredClaims: ['exp', 'sub', 'aud'],
      clockTolerance: clockTolerance / 1_000,
      currentDate: new Date(clock.wall()),
    }
    const own = given[issuer]
    if (own !== undefined && typeof own !== 'string') {
      const keys = fixed.get(issuer) ?? jose.createLocalJWKSet(own)
      fixed.set(issuer, keys)
      return verifySignature(jose, token, keys, checks)
    }
    const remote = remoteKeys(issuer, own, jose)
    try {
      return await verifySignature(jose, token, await remote.get(keysFor, OUTLIVES), checks)
    } catch (error) {
      const keys = error instanceof jose.errors.JWKSNoMatchingKey ? await newerKeys(remote) : undefined
      if (!keys) throw error
      return verifySignature(jose, token, keys, checks)
    }
  }
  return async (token) => {
    const jose = await loading
    const issuer = readIssuer(jose, token)
    if (issuer === undefined || !issuers.includes(issuer)) {
      throw invalid(refusalText('issuer', issuer))
    }
    try {
      const { payload, protectedHeader } = await verified(jose, token, issuer)
      if (!ACCESS_TOKEN_TYPES.has(protectedHeader.typ?.toLowerCase())) throw invalid('The token is no access token.')
      requireAudience(payload.aud, audiences)
      return readClaims(payload, issuer, token)
    } catch (error) {
      throw asRefusal(jose, error, token)
    }
  }
}

/** @throws Error where the address has no key set */
async function fetchKeySet(url: string): Promise<JSONWebKeySet> {
  const headers = { ...OWN_CONNECTION, accept: 'application/json, application/jwk-set+json' }
  const response = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(PATIENCE) })
  if (response.status === 200) return (await response.json()) as JSONWebKeySet
  await response.body?.cancel()
  throw new Error(`${url} answered ${response.status}.`)
}

async function verifySignature(jose: Jose, token: string, keys: JWTVerifyGetKey, options: JWTVerifyOptions) {
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

/** The issuer that the token claims, read without a check: it chooses the keys. */
function readIssuer(jose: Jose, token: string): string | undefined {
  // Decoders ignore the spare bits of the last character (RFC 4648, 3.5), so that several texts would be one token. Only
  // the canonical one is taken: an author who blocks a token by its text has then blocked all of it.
  const signature = token.slice(token.lastIndexOf('.') + 1)
  if (Buffer.from(signature, 'base64url').toString('base64url') !== signature) {
    throw invalid('The signature of the token is not base64url.')
  }
  try {
    const { iss } = jose.decodeJwt(token)
    return typeof iss === 'string' ? iss : undefined
  } catch {
    throw invalid('The token is not a JWT.')
  }
}

/** The refusal for a failed check: of an invalid token, or because the keys could not be fetched. */
function asRefusal(jose: Jose, error: unknown, token: string): AuthRefusal {
  if (error instanceof AuthRefusal) return error
  const { errors } = jose
  if (error instanceof errors.JWTExpired) return invalid('The token has expired.')
  if (error instanceof errors.JWTClaimValidationFailed)
    return invalid(`The claim ${error.claim} of the token is missing or not right.`)
  const { JWTInvalid, JWSInvalid, JWKInvalid, JWSSignatureVerificationFailed } = errors
  const { JOSEAlgNotAllowed, JOSENotSupported, JWKSNoMatchingKey } = errors
  if (error instanceof JOSEAlgNotAllowed) {
    const { alg } = jose.decodeProtectedHeader(token)
    return invalid(typeof alg === 'string' ? refusalText('algorithm', alg) : 'The token is not valid.')
  }
  if (error instanceof JWKSNoMatchingKey) {
    return invalid('The token is not valid: its authorization server does not publish the key that it is signed with.')
  }
  const others = [JWTInvalid, JWSInvalid, JWKInvalid, JWSSignatureVerificationFailed, JOSENotSupported]
  return others.some((kind) => error instanceof kind) ? invalid('The token is not valid.') : unavailable(error)
}
