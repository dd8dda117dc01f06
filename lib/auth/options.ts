/** The options of authorization. */
import type { JSONWebKeySet } from 'jose'

/** The address of a key set, or the keys themselves. */
export type KeySet = string | JSONWebKeySet

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

/** Where the metadata of the resource is (RFC 9728). */
export const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** A scope that only the client itself may ask for. */
export const CLIENTS_OWN = 'offline_access'

export function issuersOf({ issuer }: Pick<AuthOptions, 'issuer'>): readonly string[] {
  if (issuer === undefined) return []
  return typeof issuer === 'string' ? [issuer] : issuer
}
