/** Callers that a middleware of the app has checked, in the form of the official SDK. */
import type { Clock } from '../base/clock.ts'
import { digest } from '../base/ids.ts'
import type { AuthInfo } from '../protocol/auth-info.ts'
import { isObject } from '../protocol/jsonrpc.ts'
import { type Identity, requireAudience } from './claims.ts'
import { type CallerOptions, endOf, identify } from './identify.ts'
import { type AuthOptions, issuersOf } from './options.ts'
import { invalid } from './refusal.ts'

/**
 * The caller that a middleware has checked: the `AuthInfo` of the official SDK, as its `requireBearerAuth` puts it into
 * `request.auth`.
 *
 * Sessions and `ctx.user` belong to the principal, which is made of `extra.iss`, `extra.sub` and `clientId`: copy the claims
 * of the token, or what introspection answered, into `extra`. With `AuthOptions` of the same issuer it is the principal
 * that the endpoint's own check gives the user. All users of an application have the same `clientId`. Therefore, where
 * `extra.sub` is missing, each token is a principal of its own: a refreshed token then has no access to the sessions of
 * the one before.
 */
export interface MiddlewareAuth {
  token: string
  clientId: string
  scopes: readonly string[]
  /** Seconds since 1970. Streams end then, and a request after it is refused. */
  expiresAt?: number | undefined
  /** The resource that the token is for (RFC 8707). With `AuthOptions` it must be the endpoint's own. */
  resource?: URL | string | undefined
  extra?: Readonly<Record<string, unknown>> | undefined
}

/** @throws AuthRefusal for a caller that is not let in; TypeError where the value is no `MiddlewareAuth` */
export type MiddlewareCheck = (given: unknown) => Identity

/** Tokens have no user. */
class SubjectMissing extends Error {
  override readonly name = 'Warning'

  constructor() {
    super(
      'The auth of a request has no extra.sub, so each token is a caller of its own: a refreshed token cannot use the sessions ' +
        'of the one before. Let the middleware set extra.sub to the id of the user.',
    )
    this.stack = String(this)
  }
}

/**
 * @param options those of the endpoint's own authorization, of which scopes, tenants and tolerance hold here, too
 * @param known every scope that something of the server needs
 * @param resources the addresses of the endpoint; undefined: they are not known
 */
export function middlewareCheck(
  options: (CallerOptions & Pick<AuthOptions, 'issuer' | 'audiences'>) | undefined,
  known: ReadonlySet<string>,
  resources: readonly string[] | undefined,
  clock: Clock,
  onError: (error: unknown) => void,
): MiddlewareCheck {
  const rules = options ?? {}
  const taken = resources && new Set([...resources, ...(rules.audiences ?? [])])
  let warned = false
  return (given) => {
    const { token, clientId, scopes, expiresAt, resource, extra = {} } = readGiven(given)
    if (expiresAt !== undefined && !(endOf(expiresAt, rules) > clock.wall())) throw invalid('The token has expired.')
    if (taken && resource !== undefined) requireAudience(String(resource).replace(/#.*$/s, ''), taken)
    const named = typeof extra.sub === 'string' && extra.sub !== ''
    if (!named && !warned) {
      warned = true
      onError(new SubjectMissing())
    }
    const auth: AuthInfo = {
      issuer: typeof extra.iss === 'string' ? extra.iss : (issuersOf(rules)[0] ?? ''),
      subject: named ? String(extra.sub) : `token:${digest(token, 16)}`,
      ...(clientId !== '' && { clientId }),
      scopes,
      claims: extra,
      token,
    }
    if (expiresAt !== undefined) auth.expiresAt = expiresAt
    return identify(auth, rules, known)
  }
}

/** @throws TypeError */
function readGiven(given: unknown): MiddlewareAuth {
  if (!isObject(given)) throw notAuth('it is no object')
  const { token, clientId, scopes, expiresAt, resource, extra } = given
  if (typeof token !== 'string' || token === '') throw notAuth('token is no text')
  if (typeof clientId !== 'string') throw notAuth('clientId is no text')
  if (!isTexts(scopes)) throw notAuth('scopes is no list of texts')
  if (expiresAt !== undefined && typeof expiresAt !== 'number') throw notAuth('expiresAt is no number')
  if (resource !== undefined && typeof resource !== 'string' && !(resource instanceof URL))
    throw notAuth('resource is no URL')
  if (extra !== undefined && !isObject(extra)) throw notAuth('extra is no object')
  return { token, clientId, scopes, expiresAt, resource, extra }
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function notAuth(why: string): TypeError {
  return new TypeError(
    `auth of a request must be { token, clientId, scopes, expiresAt?, resource?, extra? }, as the official SDK has it: ${why}.`,
  )
}
