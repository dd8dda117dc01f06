/** Addresses and keys of authorization servers, as the options of authorization give them. */
import type { JSONWebKeySet } from 'jose'
import type { AuthOptions, KeySet } from './options.ts'

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

/** The given key sets by issuer. */
export function keySets(jwks: AuthOptions['jwks'], issuers: readonly string[]): Record<string, KeySet> {
  if (jwks === undefined) return {}
  if (typeof jwks === 'string' || isKeySet(jwks)) return Object.fromEntries(issuers.map((issuer) => [issuer, jwks]))
  return { ...jwks }
}

function isKeySet(value: object): value is JSONWebKeySet {
  return 'keys' in value && Array.isArray(value.keys)
}
