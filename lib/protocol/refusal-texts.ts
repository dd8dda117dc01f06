/**
 * The sentences of refusals that a setting decides: what came, which setting refuses it, and what to do. They are read seldom and
 * by people, so that a bundle loads them with the first refusal. Those that an instance sends while it ends are not here: its files
 * may be gone then.
 *
 * What came is repeated in quotes, in ASCII, and cut. A token, a session id and a secret are never repeated.
 */

/** Characters of a value that a sentence repeats. */
const MAX_NAMED = 200
/** Values of a list that a sentence repeats. */
const MAX_LISTED = 3

/** A value that a client sent, in quotes: JSON without characters that a terminal, a page or a header would read as more than text. */
function named(value: string): string {
  const quoted = JSON.stringify(value.length > MAX_NAMED ? `${value.slice(0, MAX_NAMED)}...` : value)
  return quoted.replace(/[^\x20-\x7e]|[<>&]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function list(values: readonly string[]): string {
  const more = values.length - MAX_LISTED
  return [...values.slice(0, MAX_LISTED).map(named), ...(more > 0 ? [`${more} more`] : [])].join(', ')
}

/** What each text repeats. */
type Values = {
  /** The header as it came. */
  host: [host: string]
  /** The header as it came. */
  origin: [origin: string]
  session: []
  /** The path of the request, and that of the endpoint. */
  nothing: [path: string, endpoint: string]
  /** Authorization, where it came. */
  tokenMissing: [header: string | undefined]
  /** What follows the word Bearer. */
  tokenMalformed: [token: string]
  /** What the token names. */
  issuer: [issuer: string | undefined]
  /** What the token names. */
  audience: [audience: readonly string[]]
  /** What the token names. */
  algorithm: [algorithm: string]
  /** Those that the token lacks, and whether every request needs them. */
  scopes: [missing: readonly string[], everywhere: boolean]
  scopesWithoutAuth: []
  /** How long to wait, in s. */
  rate: [seconds: string, kind: RateKind]
  calls: []
  sessions: [max: number]
  /** Bytes. */
  stored: [max: number]
}

/** Clients by principal or by address: each has a rate of its own. */
export type RateKind = 'principal' | 'address'

const TEXTS: { readonly [R in keyof Values]: (...values: Values[R]) => string } = {
  host: (host) => `The Host header names ${named(host)}, which ALLOWED_HOSTS (allowedHosts) lacks.`,

  origin: (origin) => `The Origin ${named(origin)} is not allowed here: ALLOWED_ORIGINS (allowedOrigins) lacks it.`,

  session: () =>
    'Session not found: it has ended (by DELETE, or without requests for SESSION_IDLE_SECONDS), it is not of this caller, or the ' +
    'process whose memory kept it is gone (without REDIS_URL). Send initialize without Mcp-Session-Id.',

  nothing: (path, endpoint) => `Nothing is at ${named(path)}; the MCP endpoint is ${endpoint}.`,

  tokenMissing: (header) =>
    `This endpoint needs an access token (AUTH_ISSUER), and the request ${authorizationOf(header)}. Send Authorization: Bearer <token>.`,

  tokenMalformed: (token) => `The Authorization header holds no readable token: ${faultOf(token)}.`,

  issuer(issuer) {
    const came = issuer === undefined ? 'it names no issuer' : `its issuer is ${named(issuer)}, which AUTH_ISSUER lacks`
    return `The token is not from an authorization server of this endpoint: ${came}.`
  },

  audience(audience) {
    const came =
      audience.length === 0 ? 'it has no audience' : `its audience is ${list(audience)}, and AUTH_AUDIENCE lacks it`
    return `The token is not for this endpoint: ${came}.`
  },

  algorithm: (algorithm) =>
    `The token is not valid: it is signed with ${named(algorithm)}, which AUTH_ALGORITHMS lacks.`,

  scopes(missing, everywhere) {
    const which = missing.length === 1 ? 'the scope' : 'the scopes'
    const needs = everywhere ? 'every request here needs (AUTH_SCOPES)' : 'this request needs'
    return `The token lacks ${which} ${list(missing)}, which ${needs}.`
  },

  scopesWithoutAuth: () =>
    'This request needs scopes, and the endpoint has no authorization that could grant them: set AUTH_ISSUER.',

  rate: (seconds, kind) => `Too many requests (RATE_PER_${kind.toUpperCase()}). Try again in ${seconds} s.`,

  calls: () =>
    'This caller has as many calls running as it may (MAX_CALLS_PER_PRINCIPAL). Try again when one has ended.',

  sessions: (max) =>
    `There are ${max} sessions of this caller (MAX_SESSIONS_PER_PRINCIPAL). End some with DELETE, or try again when some have expired.`,

  stored: (max) =>
    `The sessions of this caller keep over ${max} bytes (session.maxStored, MAX_STORED_BYTES). End some with DELETE, or try again later.`,
}

/** What came as Authorization. A known scheme is repeated; another first word may be the token. */
function authorizationOf(header: string | undefined): string {
  if (header === undefined) return 'has no Authorization header'
  const [, scheme] = /^(basic|digest|dpop|negotiate|token|api-?key|hmac|oauth)\b/i.exec(header) ?? []
  if (scheme === undefined) return 'has an Authorization header without the word Bearer'
  return `has an Authorization header with the scheme ${named(scheme)}`
}

/** Why a token cannot be read. It is not repeated. */
function faultOf(token: string): string {
  if (token === '') return 'no token follows the word Bearer'
  if (/[${}<>%]/.test(token))
    return 'what follows the word Bearer seems to be a variable or a placeholder that was not replaced'
  return 'the token is too long, or has characters that no token has (RFC 6750, 2.1)'
}

/** The sentences for a refusal, on one line: at most about 900 characters. */
export function refusalText<R extends keyof Values>(reason: R, ...values: Values[R]): string {
  return TEXTS[reason](...values)
}
