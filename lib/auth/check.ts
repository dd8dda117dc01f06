/** The check of the options of authorization. A bundle loads it where there are some. */
import { DEFAULT_ALGORITHMS, keySets, requireSafeUrl } from './keys.ts'
import { type AuthOptions, issuersOf } from './options.ts'

/** All signatures that jose can verify without a shared secret. */
const ASYMMETRIC = /^(?:RS|PS|ES)(?:256|384|512)$|^(?:EdDSA|Ed25519|ML-DSA-(?:44|65|87))$/

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

/** The line that stops a start: nothing keeps a caller from what needs these scopes. */
export function scopesWithoutAuth(scopes: ReadonlySet<string>): string {
  return (
    `auth is missing, and requiredScopes of the server name ${[...scopes].join(', ')}: every caller could use what needs ` +
    'these scopes. Set auth (AUTH_ISSUER and AUTH_AUDIENCE), or remove requiredScopes.'
  )
}
