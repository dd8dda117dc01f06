/** The metadata of an authorization server: RFC 8414, and the older OpenID Connect Discovery. */
import { asError, textOf } from '../base/errors.ts'
import { isObject } from '../protocol/jsonrpc.ts'
import { OWN_CONNECTION, PATIENCE } from './connection.ts'
import { requireSafeUrl } from './keys.ts'

export interface IssuerMetadata {
  /** The address of the document. */
  url: string
  jwksUri: string | undefined
}

/** The addresses to try, in the order of the specification (2025-11-25, authorization, metadata discovery). */
function candidates(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const known = `${origin}/.well-known`
  const inserted = [`${known}/oauth-authorization-server${path}`, `${known}/openid-configuration${path}`]
  return path === '' ? inserted : [...inserted, `${origin}${path}/.well-known/openid-configuration`]
}

/**
 * Finds the metadata of an issuer.
 * @throws Error where no address has a document that names this issuer
 */
export async function discover(issuer: string, insecure: boolean | undefined): Promise<IssuerMetadata> {
  let failure: unknown
  for (const url of candidates(issuer)) {
    try {
      const signal = AbortSignal.timeout(PATIENCE)
      const response = await fetch(url, { headers: OWN_CONNECTION, redirect: 'error', signal })
      if (response.status !== 200) {
        await response.body?.cancel()
        throw new Error(`${url} answered ${response.status}.`)
      }
      const document: unknown = await response.json()
      // A document that names another issuer is an attack or a mistake and must not be used (RFC 8414, 3.3).
      if (!isObject(document) || document.issuer !== issuer)
        throw new Error(`${url} does not name the issuer ${issuer}.`)
      const jwksUri = typeof document.jwks_uri === 'string' ? document.jwks_uri : undefined
      if (jwksUri !== undefined) requireSafeUrl(jwksUri, 'jwks_uri', insecure)
      return { url, jwksUri }
    } catch (error) {
      failure = error
    }
  }
  throw new Error(`No metadata of the authorization server ${issuer}: ${reasonOf(failure)}`, { cause: failure })
}

/** `fetch` has the reason why it failed in its cause: `connect ECONNREFUSED …`. */
function reasonOf(failure: unknown): string {
  const error = asError(failure)
  return error.cause === undefined ? textOf(error) : textOf(error.cause)
}
