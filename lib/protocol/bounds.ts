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
/** A URI that is read once. Longer ones match nothing: the table of a template's match grows with the length. */
export const MAX_URI = 8_192
/** The URIs of one `subscriptions/listen`. */
export const MAX_LISTENED = 1_000
/** The characters of all of them. */
export const MAX_LISTENED_CHARACTERS = 256 * 1024
/** A URI that is kept for as long as its subscription. */
const MAX_SUBSCRIBED = 2_048

/** The members that have bounds, of all methods. A list has its bound for each item. */
interface Bounded {
  name?: unknown
  uri?: unknown
  cursor?: unknown
  requestId?: unknown
  protocolVersion?: unknown
  ref?: { name?: unknown; uri?: unknown } | null
  argument?: { name?: unknown } | null
  notifications?: { resourceSubscriptions?: unknown } | null
  _meta?: { progressToken?: unknown; [REVISION]?: unknown } | null
}

const REVISION = 'io.modelcontextprotocol/protocolVersion'
const REVISION_MEMBER = `params._meta.${REVISION}`

/**
 * The table, as code: a loop over rows would cost each request ten times as much.
 *
 * @throws ProtocolError -32602 (HTTP 400) that names the member and its bound
 */
export function requireBounds(method: string, params: Bounded | undefined, id: Id): void {
  check('method', method, MAX_NAME, id)
  if (params === undefined) return
  const { name, uri, cursor, requestId, protocolVersion, ref, argument, notifications, _meta } = params
  check('params.name', name, MAX_NAME, id)
  if (uri !== undefined) check('params.uri', uri, method.endsWith('subscribe') ? MAX_SUBSCRIBED : MAX_URI, id)
  check('params.cursor', cursor, MAX_NAME, id)
  checkToken('params.requestId', requestId, id)
  check('params.protocolVersion', protocolVersion, MAX_REVISION, id)
  check('params.ref.name', ref?.name, MAX_NAME, id)
  check('params.ref.uri', ref?.uri, MAX_URI, id)
  check('params.argument.name', argument?.name, MAX_NAME, id)
  const uris = notifications?.resourceSubscriptions
  if (Array.isArray(uris))
    for (const one of uris) check('params.notifications.resourceSubscriptions', one, MAX_SUBSCRIBED, id)
  checkToken('params._meta.progressToken', _meta?.progressToken, id)
  check(REVISION_MEMBER, _meta?.[REVISION], MAX_REVISION, id)
}

/** The id of the message, for errors. */
type Id = string | number | undefined

function check(member: string, value: unknown, max: number, id: Id): void {
  if (typeof value === 'string' && value.length > max) {
    throw refused(`"${member}" may have at most ${max} characters.`, id)
  }
}

function checkToken(member: string, value: unknown, id: Id): void {
  // A larger number changes on its way through JSON.
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    throw refused(`"${member}" must be a string or an integer of at most 2^53 - 1.`, id)
  }
  check(member, value, MAX_ID, id)
}

function refused(message: string, id: Id): ProtocolError {
  return new ProtocolError(ErrorCode.InvalidParams, message, undefined, id)
}

/** The beginning of a text of a client, for a message that repeats it. */
export function shown(text: string, max = 100): string {
  return text.length > max ? `${text.slice(0, max)}…`.toWellFormed() : text
}
