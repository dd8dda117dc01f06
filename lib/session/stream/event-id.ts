/**
 * Event ids: `<stream>.<n>.<tag>.<check>`. A foreign or invented id is refused without asking the store, and an issued id
 * whose log has expired is not.
 *
 * Two parts prove that. The name of a call's stream contains a proof made with the session's event key, which only the record
 * of the session has: nobody can invent a stream. It is computed once for each stream. The check is a digest over the session
 * and the whole id, which binds the id to its session. The GET stream always exists and needs no proof.
 *
 * Builds before event keys wrote and demanded the check alone, so that ids of both builds are accepted by both while they
 * run side by side. A name without proof is accepted in a session without an event key, and in a session that an instance
 * of such a build has served.
 *
 * The name also carries digests of the scopes that the call needed, so that resuming asks for them again. A client cannot
 * leave them out: the name is that of the log.
 */
import { timingSafeEqual } from 'node:crypto'
import { digest, proofOf, randomId } from '../../base/ids.ts'
import { isRequestId, type RequestId } from '../../protocol/jsonrpc.ts'
import { GET_STREAM } from '../../store/names.ts'
import type { SessionKey } from '../../store/store.ts'
import type { Session } from './session.ts'

export { GET_STREAM }

/** A random key for the event ids of one session. */
export const newEventKey = (): string => randomId(16)

export interface EventPosition {
  stream: string
  n: number
  tag: string
}

/** In place of a tag: the client with this id has the last message of the stream, whatever its log has. Tags are shorter. */
const ENDED = 'ended'

/** The position of a client that has got the end of the stream. */
export function endOf({ stream, n }: EventPosition): EventPosition {
  return { stream, n, tag: ENDED }
}

export function isEnd({ tag }: EventPosition): boolean {
  return tag === ENDED
}

/** The longest request id (as JSON) that a stream's name carries. */
const MAX_NAMED_ID = 128
/** The most characters of a name that can be read again. */
const MAX_NAME = 240
/** The most scopes that a name has room for. */
const MAX_SCOPES = 50

/**
 * Makes a name for a call's stream. The name carries the request id: a client that resumes a stream whose log has
 * expired gets an error for that request.
 *
 * @param scopes those that the call needs
 */
export function newStreamName(
  { eventKey }: Pick<Session, 'eventKey'>,
  id: RequestId,
  scopes: readonly string[] = [],
): string {
  const text = JSON.stringify(id)
  const random = randomId(9)
  const digests = scopes.slice(0, MAX_SCOPES).map(digestOfScope).join('')
  const encoded = text.length <= MAX_NAMED_ID ? Buffer.from(text).toString('base64url') : ''
  const named = 21 + digests.length + encoded.length <= MAX_NAME ? encoded : ''
  return `${random}${eventKey === undefined ? '' : proof(eventKey, random, digests, named)}${digests}~${named}`
}

function digestOfScope(scope: string): string {
  return digest(scope, 3)
}

/** The scopes in a stream's name. Scopes that are not among the `known` ones of the server protect nothing here. */
export function scopesOfStream(
  { eventKey }: Pick<Session, 'eventKey'>,
  stream: string,
  known: ReadonlySet<string>,
): string[] {
  if (known.size === 0) return []
  const [begin = ''] = stream.split('~')
  // Random part and proof. Builds that wrote no proof wrote no scopes.
  const digests = begin.slice(eventKey === undefined ? 12 : 20)
  const needed = new Set(digests.match(/.{4}/g))
  return [...known].filter((scope) => needed.has(digestOfScope(scope)))
}

function proof(eventKey: string, random: string, digests: string, named: string): string {
  return proofOf(eventKey, `${random}${digests}~${named}`, 6)
}

const PROVEN = /^([\w-]{12})([\w-]{8})((?:[\w-]{4})*)~([\w-]*)$/

/** Whether the name of a stream was made with this key. */
function isProven(eventKey: string, stream: string): boolean {
  const [, random = '', given = '', digests = '', named = ''] = PROVEN.exec(stream) ?? []
  return given !== '' && timingSafeEqual(Buffer.from(given), Buffer.from(proof(eventKey, random, digests, named)))
}

/** The request id in a stream's name, if it carries one. */
export function requestIdOf(stream: string): RequestId | undefined {
  const at = stream.indexOf('~')
  if (at < 0) return undefined
  try {
    const id: unknown = JSON.parse(Buffer.from(stream.slice(at + 1), 'base64url').toString())
    return isRequestId(id) ? id : undefined
  } catch {
    return undefined
  }
}

function check(key: SessionKey, stream: string, n: number, tag: string): string {
  return digest(`${key}\n${stream}\n${n}\n${tag}`, 6)
}

export function formatEventId(key: SessionKey, { stream, n, tag }: EventPosition): string {
  return `${stream}.${n}.${tag}.${check(key, stream, n, tag)}`
}

const EVENT_ID = /^([A-Za-z0-9_~-]{1,240})\.(0|[1-9][0-9]{0,14})\.([A-Za-z0-9_-]{0,16})\.([A-Za-z0-9_-]{8})$/

/** The parts of a session that its event ids depend on. */
type Issuer = Pick<Session, 'key' | 'eventKey' | 'servedByOlder'>

/** Reads one id. Undefined: this session did not issue it. */
function parseOne({ key, eventKey, servedByOlder }: Issuer, text: string): EventPosition | undefined {
  const match = EVENT_ID.exec(text)
  if (!match) return undefined
  const [, stream = '', number = '', tag = '', given = ''] = match
  const n = Number(number)
  if (check(key, stream, n, tag) !== given) return undefined
  const needsProof = eventKey !== undefined && !servedByOlder && stream !== GET_STREAM
  return needsProof && !isProven(eventKey, stream) ? undefined : { stream, n, tag }
}

/**
 * Reads `Last-Event-ID`. The response to a batch (2025-03-26) carries several streams, and each of its event ids names
 * the positions in all of them, separated by `!`: at most `max`, as many as a batch may have messages. Undefined: this
 * session did not issue the id.
 */
export function parseEventId(session: Issuer, text: string, max: number): EventPosition[] | undefined {
  const parts = text.split('!', max + 1)
  if (parts.length > max) return undefined
  const positions: EventPosition[] = []
  for (const part of parts) {
    const position = parseOne(session, part)
    if (!position || positions.some((other) => other.stream === position.stream)) return undefined
    // The GET stream has a response of its own.
    if (position.stream === GET_STREAM && parts.length > 1) return undefined
    positions.push(position)
  }
  return positions
}
