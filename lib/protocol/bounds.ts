/**
 * Bounds of the short texts that clients send and the endpoint keeps, compares or repeats. One table: every message of every
 * revision is checked against it when it is read. Lengths are in characters as JavaScript counts them (UTF-16).
 */
import { ErrorCode, ProtocolError } from './errors.ts'

/** A request id, a progress token. They are repeated in every message about their request, and become parts of keys. */
export const MAX_ID = 1_024
/** Characters of the reason of a cancel. Longer ones are cut. */
export const MAX_REASON = 200
/** Characters of `Mcp-Session-Id`. */
export const MAX_SESSION_ID = 256
/** Characters of a revision. */
export const MAX_REVISION = 64

const MAX_NAME = 1_024
/** A URI that is read once. */
const MAX_URI = 8_192
/** A URI that is kept for as long as its subscription. */
const MAX_SUBSCRIBED = 2_048

interface Row {
  /** From `params` to the member. Where it is a list, each item has the bound. */
  path: readonly string[]
  max: number
  /** The methods that have this bound; default all. */
  methods?: ReadonlySet<string>
}

const ROWS: readonly Row[] = [
  { path: ['_meta', 'progressToken'], max: MAX_ID },
  { path: ['requestId'], max: MAX_ID },
  { path: ['name'], max: MAX_NAME },
  { path: ['uri'], max: MAX_SUBSCRIBED, methods: new Set(['resources/subscribe', 'resources/unsubscribe']) },
  { path: ['uri'], max: MAX_URI },
  { path: ['cursor'], max: MAX_NAME },
  { path: ['ref', 'name'], max: MAX_NAME },
  { path: ['ref', 'uri'], max: MAX_URI },
  { path: ['argument', 'name'], max: MAX_NAME },
  { path: ['notifications', 'resourceSubscriptions'], max: MAX_SUBSCRIBED },
  { path: ['protocolVersion'], max: MAX_REVISION },
  { path: ['_meta', 'io.modelcontextprotocol/protocolVersion'], max: MAX_REVISION },
]

/** @throws ProtocolError -32602 (HTTP 400) that names the member and its bound */
export function requireBounds(method: string, params: object | undefined, id: string | number | undefined): void {
  if (method.length > MAX_NAME) throw beyond('method', MAX_NAME, id)
  if (params === undefined) return
  for (const { path, max, methods } of ROWS) {
    let value: unknown = params
    for (const member of path) value = memberOf(value, member)
    if (value === undefined || (methods && !methods.has(method))) continue
    if (exceeds(value, max)) throw beyond(`params.${path.join('.')}`, max, id)
  }
}

function memberOf(value: unknown, member: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[member] : undefined
}

function exceeds(value: unknown, max: number): boolean {
  if (typeof value === 'string') return value.length > max
  // A larger number changes on its way through JSON.
  if (typeof value === 'number') return Math.abs(value) > Number.MAX_SAFE_INTEGER
  return Array.isArray(value) && value.some((item) => exceeds(item, max))
}

function beyond(member: string, max: number, id: string | number | undefined): ProtocolError {
  const message = `"${member}" may have at most ${max} characters, and a number at most 2^53 - 1.`
  return new ProtocolError(ErrorCode.InvalidParams, message, undefined, id)
}

/** The beginning of a text of a client, for a message that repeats it. */
export function shown(text: string, max = 100): string {
  return text.length > max ? `${text.slice(0, max)}…`.toWellFormed() : text
}
