/** The options of authorization. */
import type { JSONWebKeySet } from 'jose'

/** The address of a key set, or the keys themselves. */
type KeySet = string | JSONWebKeySet

/** The content of a valid token. Times are in seconds since 1970. */
export interface VerifiedToken {
  /** Default: the first issuer of the options. */
  issuer?: string | undefined
  subject: string
  clientId?: string | undefined
  scopes?: readonly string[] | undefined
  expiresAt?: number | undefined
  claims?: Readonly<Record<string, unknown>> | undefined
}

/** RFC 7662: for tokens that only their authorization server can read. */
export interface IntrospectionOptions {
  url: string
  clientId: string
  clientSecret: string
  /** How long an answer is used, in ms; a revoked token works for so long. Default 30,000. */
  cacheFor?: number | undefined
}

export interface AuthOptions {
  /** The authorization servers whose tokens are taken, each exactly as its tokens name it (`iss`). */
  issuer?: string | readonly string[] | undefined
  /**
   * The public URL of the endpoint, without a slash at its end: what clients ask tokens for (RFC 8707), and the audience
   * that a token must have.
   */
  resource: string
  /** Further audiences, for authorization servers that cannot put the URL into a token. */
  audiences?: readonly string[] | undefined
  /** Default: found through the metadata of each issuer. With several issuers: by issuer. */
  jwks?: KeySet | Readonly<Record<string, KeySet>> | undefined
  /** Signature algorithms that are taken, asymmetric ones only. Default: all of RSA, ECDSA and EdDSA. */
  algorithms?: readonly string[] | undefined
  introspection?: IntrospectionOptions | undefined
  /**
   * Checks tokens in place of all of the above, their audience included. Undefined refuses the token; an exception means
   * that the token cannot be checked now: 503. Its answers are not kept.
   */
  verify?: ((token: string) => VerifiedToken | undefined | Promise<VerifiedToken | undefined>) | undefined
  /** Scopes that every request needs. Scopes of single tools are given where they are registered. */
  scopes?: readonly string[] | undefined
  /** Whether one scope includes another (`notes` includes `notes:read`). Default: only itself. */
  scopeCovers?: ((granted: string, required: string) => boolean) | undefined
  /** The claim that separates tenants that share an issuer, such as `org_id`. It is part of the principal. */
  tenantClaim?: string | undefined
  /** How far the clocks of authorization servers and of this endpoint may be apart, in ms. Default 60,000. */
  clockTolerance?: number | undefined
  /** How long a verified JWT is not verified again, in ms, and never beyond its expiry. Default 60,000; 0: never. */
  cacheFor?: number | undefined
  /** How long a key set is used before it is fetched again, in ms. Default 600,000. */
  keysFor?: number | undefined
  /** The URL of a page about the endpoint, for people who write clients. */
  documentation?: string | undefined
  /** Allows `http:` addresses of authorization servers on other machines than this one. For development. */
  insecureHttp?: boolean | undefined
}

/** All signatures that jose can verify without a shared secret. */
const ASYMMETRIC = /^(?:RS|PS|ES)(?:256|384|512)$|^(?:EdDSA|Ed25519|ML-DSA-(?:44|65|87))$/

export const DEFAULT_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/

/** @throws TypeError for an address that secrets or keys must not be sent to or fetched from */
export function requireSafeUrl(text: string, what: string, insecure: boolean | undefined): URL {
  const url = URL.parse(text)
  if (!url) throw new TypeError(`auth: ${what} must be a URL, not ${JSON.stringify(text)}.`)
  const safe = url.protocol === 'https:' || (url.protocol === 'http:' && (insecure || LOOPBACK.test(url.hostname)))
  if (!safe) throw new TypeError(`auth: ${what} must be an https URL, not ${JSON.stringify(text)}.`)
  // `fetch` refuses such an address.
  if (url.username !== '' || url.password !== '') throw new TypeError(`auth: ${what} must have no user and password.`)
  return url
}

export function issuersOf({ issuer }: Pick<AuthOptions, 'issuer'>): readonly string[] {
  if (issuer === undefined) return []
  return typeof issuer === 'string' ? [issuer] : issuer
}

/** @throws TypeError whose message is one line that names the wrong option */
export function checkAuthOptions(options: AuthOptions): void {
  const { resource, jwks, introspection, verify, algorithms = DEFAULT_ALGORITHMS, insecureHttp } = options
  const issuers = issuersOf(options)
  const url = URL.parse(resource)
  const parts = url && [url.hash, url.search, url.username, url.password].join('')
  if (!url || !/^https?:$/.test(url.protocol) || parts !== '') {
    throw new TypeError('auth: resource must be the public URL of the endpoint, without query, fragment and user.')
  }
  if (issuers.length === 0 && !verify) throw new TypeError('auth: issuer is missing.')
  for (const issuer of issuers) {
    // RFC 8414, 2.
    const { search, hash } = requireSafeUrl(issuer, 'issuer', insecureHttp)
    if (search !== '' || hash !== '') throw new TypeError('auth: issuer must have no query and no fragment.')
  }
  if (introspection) {
    requireSafeUrl(introspection.url, 'introspection.url', insecureHttp)
    if (!introspection.clientId || !introspection.clientSecret) {
      throw new TypeError('auth: introspection needs clientId and clientSecret.')
    }
  }
  for (const keys of Object.values(keySets(jwks, issuers))) {
    if (typeof keys === 'string') requireSafeUrl(keys, 'jwks', insecureHttp)
  }
  const wrong = algorithms.find((algorithm) => !ASYMMETRIC.test(algorithm))
  if (wrong !== undefined) throw new TypeError(`auth: ${wrong} is not an asymmetric signature algorithm.`)
  const scope = options.scopes?.find((text) => !SCOPE.test(text))
  if (scope !== undefined)
    throw new TypeError(`auth: ${JSON.stringify(scope)} is no scope: each is an item of the list.`)
  const { clockTolerance, cacheFor, keysFor } = options
  const times = { clockTolerance, cacheFor, keysFor, 'introspection.cacheFor': introspection?.cacheFor }
  for (const [name, ms] of Object.entries(times)) {
    if (ms !== undefined && !(ms >= 0 && ms < 1e12)) throw new TypeError(`auth: ${name} must be a number of ms.`)
  }
}

/** RFC 6749, 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** The given key sets by issuer. */
export function keySets(jwks: AuthOptions['jwks'], issuers: readonly string[]): Record<string, KeySet> {
  if (jwks === undefined) return {}
  if (typeof jwks === 'string' || isKeySet(jwks)) return Object.fromEntries(issuers.map((issuer) => [issuer, jwks]))
  return { ...jwks }
}

function isKeySet(value: object): value is JSONWebKeySet {
  return 'keys' in value && Array.isArray(value.keys)
}
