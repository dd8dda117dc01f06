/**
 * Event ids: `<stream>.<n>.<tag>.<check>`. The id names its stream. Its check proves that this session issued it: a
 * foreign or invented id is refused without asking the store, and an issued id whose log has expired is not.
 */
import { digest, randomId } from '../../base/ids.ts'
import { isRequestId, type RequestId } from '../../protocol/jsonrpc.ts'
import { GET_STREAM } from '../../store/names.ts'
import type { SessionKey } from '../../store/store.ts'

export { GET_STREAM }

export interface EventPosition {
  stream: string
  n: number
  tag: string
}

/** The longest request id (as JSON) that a stream's name carries. */
const MAX_NAMED_ID = 128

/**
 * Makes a name for a call's stream. The name carries the request id: a client that resumes a stream whose log has
 * expired gets an error for that request.
 */
export function newStreamName(id: RequestId): string {
  const text = JSON.stringify(id)
  const named = text.length <= MAX_NAMED_ID ? Buffer.from(text).toString('base64url') : ''
  return `${randomId(9)}~${named}`
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

/** Reads one id. Undefined: this session did not issue it. */
function parseOne(key: SessionKey, text: string): EventPosition | undefined {
  const match = EVENT_ID.exec(text)
  if (!match) return undefined
  const [, stream = '', number = '', tag = '', given = ''] = match
  const n = Number(number)
  return check(key, stream, n, tag) === given ? { stream, n, tag } : undefined
}

/**
 * Reads `Last-Event-ID`. The response to a batch (2025-03-26) carries several streams, and each of its event ids names
 * the positions in all of them, separated by `!`. Undefined: this session did not issue the id.
 */
export function parseEventId(key: SessionKey, text: string): EventPosition[] | undefined {
  const positions: EventPosition[] = []
  for (const part of text.split('!')) {
    const position = parseOne(key, part)
    if (!position || positions.some((other) => other.stream === position.stream)) return undefined
    positions.push(position)
  }
  return positions
}
