/** Why a request was refused and what to do: for the page, for `mcp-anywhere connect`, and for the terminal of `dev`. */
import { withoutControls } from './texts.ts'

/** A response with a status of 400 or more. */
export interface Refused {
  status: number
  /** The text, or what was parsed of it. */
  body: unknown
  /** Those of the response; a test may give a `Headers`. */
  headers: { get(name: string): string | null }
}

/** Sentences on one line each, plain text. */
export interface Explanation {
  /** What came, and which setting refused it. */
  cause: string
  cure: string
}

/** Characters of a cause: what the endpoint sends is shorter. */
const MAX_CAUSE = 1_000

/** One response, read once. */
interface Seen {
  status: number
  /** Of the JSON-RPC error; undefined: the response is not the endpoint's. */
  message: string | undefined
  /** The parameters of WWW-Authenticate. */
  challenge: ReadonlyMap<string, string>
  /** Seconds, where the response names them. */
  wait: string | undefined
}

/** The cause and the cure of a refusal. Never throws, whatever the response is. */
export function explain({ status, body, headers }: Refused): Explanation {
  const message = messageIn(body)
  const challenge = readChallenge(headers.get('www-authenticate') ?? '')
  const [wait] = /^\d{1,6}$/.exec(headers.get('retry-after') ?? '') ?? []
  const seen: Seen = { status, message, challenge, wait }
  return { cause: message ?? strangeCause(status), cure: cureFor(seen) }
}

/** As {@link explain}, of what an event of the endpoint says. */
export function explainEvent(status: number, reason: string): Explanation {
  const seen: Seen = { status, message: reason, challenge: new Map(), wait: undefined }
  return { cause: oneLine(reason), cure: cureFor(seen) }
}

function cureFor(seen: Seen): string {
  const { status, message, wait } = seen
  if (message === undefined)
    return STRANGE_CURES.get(status) ?? 'Look into the log of what is in front of the endpoint.'
  const known = CURES.find(([applies]) => applies(seen, message))
  if (known) return known[1](seen, message)
  if (status === 429 || status === 503) {
    const again = wait === undefined ? 'Try again later' : `Try again in ${wait} s`
    const [setting] = /\b(?:RATE_PER|MAX)_[A-Z_]+\b/.exec(message) ?? []
    return setting === undefined ? `${again}.` : `${again}, or let ${setting} be more where this is your endpoint.`
  }
  return status >= 500 ? 'The log of the endpoint has the reason.' : 'Correct the request as the message says.'
}

/** The first one that applies. */
const CURES: readonly [
  applies: (seen: Seen, message: string) => boolean,
  cure: (seen: Seen, message: string) => string,
][] = [
  [({ status }, message) => status === 403 && message.includes('ALLOWED_HOSTS'), (_, message) => hostCure(message)],
  [({ status }, message) => status === 403 && message.includes('ALLOWED_ORIGINS'), (_, message) => originCure(message)],
  [({ status }, message) => status === 404 && message.startsWith('Session not found'), () => SESSION_CURE],
  [
    ({ status }, message) => status === 404 && message.startsWith('Nothing is at'),
    () => 'Correct the path of the address: MCP_PATH sets where the endpoint answers.',
  ],
  [({ status }, message) => status === 401 && message.includes('AUTH_AUDIENCE'), () => AUDIENCE_CURE],
  [
    ({ status }, message) => status === 401 && message.includes('AUTH_ISSUER lacks'),
    () => 'Get a token of an authorization server of this endpoint, or add that one to AUTH_ISSUER.',
  ],
  [({ status, message = '' }) => status === 401 && message.startsWith('This endpoint needs'), signInCure],
  [({ status }) => status === 401, () => 'Get a new token: sign in again, or ask the operator.'],
  [({ status }, message) => status === 400 && message.includes('Authorization header'), () => MALFORMED_CURE],
  [
    ({ status }, message) => status === 403 && message.includes('set AUTH_ISSUER'),
    () => 'Set AUTH_ISSUER and AUTH_AUDIENCE, so that callers have scopes.',
  ],
  [({ status }, message) => status === 403 && message.includes('scope'), scopeCure],
]

const SESSION_CURE =
  'Connect again: a client that sends initialize gets a new session. Sessions that shall outlive a restart need REDIS_URL.'

const AUDIENCE_CURE =
  'Ask the authorization server for a token for this endpoint (resource, RFC 8707), or add the audience to AUTH_AUDIENCE.'

const MALFORMED_CURE =
  "Send Authorization: Bearer <token>, with the token itself. A client's variable may have no value."

function hostCure(message: string): string {
  const host = valueIn(message)?.replace(/:\d+$/, '').toLowerCase()
  const usable = host !== undefined && /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])$/.test(host)
  const example = usable ? `: ALLOWED_HOSTS=${host},localhost,127.0.0.1` : ' (all names, without ports)'
  return `If this is a name of your endpoint, of a tunnel for example, set it and start again${example}`
}

function originCure(message: string): string {
  const origin = valueIn(message)?.toLowerCase()
  const usable = origin !== undefined && /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.:[\]-]+$/.test(origin)
  const example = usable ? `: ALLOWED_ORIGINS=${origin}` : ' (ALLOWED_ORIGINS)'
  return `If this page may call your endpoint, set its origin and start again${example}`
}

function signInCure({ challenge }: Seen): string {
  const metadata = challenge.get('resource_metadata')
  const byHand = 'By hand, send Authorization: Bearer <token>.'
  if (metadata === undefined) return `Get a token from the operator of the endpoint. ${byHand}`
  return `Sign in: a client that knows OAuth finds the authorization server by ${metadata}. ${byHand}`
}

function scopeCure({ challenge }: Seen): string {
  const scopes = challenge.get('scope')
  const which = scopes === undefined ? 'these scopes' : `these scopes: ${scopes}`
  return `Get a token with ${which}. A client that knows OAuth asks for them by itself.`
}

/** The first text in quotes, as it came. */
function valueIn(message: string): string | undefined {
  const [quoted] = /"(?:[^"\\]|\\.)*"/.exec(message) ?? []
  try {
    const value: unknown = quoted === undefined ? undefined : JSON.parse(quoted)
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

/** Of responses that are not the endpoint's. */
function strangeCause(status: number): string {
  if (status === 404) return 'There is no MCP endpoint at this address (status 404).'
  return `The response with status ${status} is not of the endpoint: something in front of it answered.`
}

const STRANGE_CURES: ReadonlyMap<number, string> = new Map([
  [401, 'The proxy or gateway in front of the endpoint wants credentials: ask its operator.'],
  [403, 'Look into the rules of the proxy, gateway or firewall in front of the endpoint.'],
  [404, 'Correct the address: it ends in /mcp, unless MCP_PATH says otherwise.'],
  [413, 'The proxy or gateway in front of the endpoint takes smaller requests only: raise its limit.'],
  [502, 'The proxy reaches no instance of the endpoint: see whether one runs.'],
  [503, 'The proxy reaches no instance of the endpoint: see whether one runs.'],
  [504, 'The proxy waited too long for the endpoint: let it wait longer, and pass streams on as they are written.'],
])

/** The message of the error of a JSON-RPC body. */
function messageIn(body: unknown): string | undefined {
  const parsed = typeof body === 'string' ? parse(body) : body
  const message = member(parsed, 'jsonrpc') === '2.0' ? member(member(parsed, 'error'), 'message') : undefined
  return typeof message === 'string' && message !== '' ? oneLine(message) : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

/** The parameters of a challenge of RFC 6750: `Bearer error="…", scope="…"`. */
function readChallenge(header: string): ReadonlyMap<string, string> {
  const found = header.slice(0, 8_000).matchAll(/([a-z_]+)="([^"]*)"/g)
  return new Map([...found].map(([, name = '', value = '']) => [name, oneLine(value)]))
}

function oneLine(text: string): string {
  return withoutControls(text).slice(0, MAX_CAUSE)
}
