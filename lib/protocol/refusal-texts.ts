/**
 * The sentences of refusals that a setting decides: what came, which setting refuses it, and what to do. They are read seldom and
 * by people, so that a bundle loads them with the first refusal.
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

const TEXTS = {
  /** @param host the header as it came */
  host: (host: string) =>
    `The Host header names ${named(host)}, which ALLOWED_HOSTS (allowedHosts) lacks.`,

  /** @param origin the header as it came */
  origin: (origin: string) =>
    `The Origin ${named(origin)} is not allowed here: ALLOWED_ORIGINS (allowedOrigins) lacks it.`,

  session: () =>
    'Session not found: it has ended (by DELETE, or without requests for SESSION_IDLE_SECONDS), it is not of this caller, or the ' +
    'process whose memory kept it is gone (without REDIS_URL). Send initialize without Mcp-Session-Id.',

  /** @param path of the request */
  nothing: (path: string, endpoint: string) => `Nothing is at ${named(path)}; the MCP endpoint is ${endpoint}.`,

  /** @param header Authorization, where it came: a known scheme is repeated, since another first word may be the token */
  tokenMissing: (header: string | undefined) => {
    const [, scheme] = /^(basic|digest|dpop|negotiate|token|api-?key|hmac|oauth)\b/i.exec(header ?? '') ?? []
    const came =
      header === undefined
        ? 'has no Authorization header'
        : scheme === undefined
          ? 'has an Authorization header without the word Bearer'
          : `has an Authorization header with the scheme ${named(scheme)}`
    return `This endpoint needs an access token (AUTH_ISSUER), and the request ${came}. Send Authorization: Bearer <token>.`
  },

  /** @param token what follows the word Bearer; it is not repeated */
  tokenMalformed: (token: string) => {
    const why =
      token === ''
        ? 'no token follows the word Bearer'
        : /[${}<>%]/.test(token)
          ? 'what follows the word Bearer seems to be a variable or a placeholder that was not replaced'
          : 'the token is too long, or has characters that no token has (RFC 6750, 2.1)'
    return `The Authorization header holds no readable token: ${why}.`
  },

  /** @param issuer what the token names */
  issuer: (issuer: string | undefined) => {
    const came = issuer === undefined ? 'it names no issuer' : `its issuer is ${named(issuer)}, which AUTH_ISSUER lacks`
    return `The token is not from an authorization server of this endpoint: ${came}.`
  },

  /** @param audience the claim of the token */
  audience: (audience: readonly string[]) => {
    const came =
      audience.length === 0 ? 'it has no audience' : `its audience is ${list(audience)}, and AUTH_AUDIENCE lacks it`
    return `The token is not for this endpoint: ${came}.`
  },

  /** @param algorithm what the header of the token names */
  algorithm: (algorithm: string) =>
    `The token is not valid: it is signed with ${named(algorithm)}, which AUTH_ALGORITHMS lacks.`,

  /** @param missing the scopes that the token lacks */
  scopes: (missing: readonly string[], everywhere: boolean) =>
    `The token lacks ${missing.length === 1 ? 'the scope' : 'the scopes'} ${list(missing)}, which ${everywhere ? 'every request here needs (AUTH_SCOPES)' : 'this request needs'}.`,

  scopesWithoutAuth: () =>
    'This request needs scopes, and the endpoint has no authorization that could grant them: set AUTH_ISSUER.',
} as const

type Texts = typeof TEXTS

/** The sentences for a refusal, on one line: at most about 900 characters. */
export function refusalText<R extends keyof Texts>(reason: R, ...values: Parameters<Texts[R]>): string {
  const text: (...given: Parameters<Texts[R]>) => string = TEXTS[reason]
  return text(...values)
}
