/** A session as one request reads it from the store. An instance keeps nothing of it after the response. */
import type { RequestStart } from '../../base/events.ts'
import { digest, randomId } from '../../base/ids.ts'
import { clientName } from '../../protocol/client.ts'
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import { isSessionRevision, type SessionRevision } from '../../protocol/revisions.ts'
import { type LoggingLevel, readImplementation } from '../../protocol/types.ts'
import type { ClientView } from '../../server/context/client-channel.ts'
import type { SessionKey, SessionRow, SessionStore } from '../../store/store.ts'
import { handledValues, type KeyValues, valueText } from '../../store/values.ts'

/** The format of the record that this build writes, and the newest format that this build reads. */
const RECORD_FORMAT = 1

export interface Session {
  id: string
  key: SessionKey
  revision: SessionRevision
  client: ClientView
  /**
   * When the session was opened, by the wall clock of its instance. The store ends the session; builds that did so themselves
   * read this.
   */
  createdAt: number
  /** Opened by `GET /sse` (2024-11-05): the session has one stream, which carries every message. */
  legacy: boolean
  level: LoggingLevel | undefined
  /** The session has as many calls as it may, on all instances. */
  busy: boolean
  /** It keeps as many bytes in the store as it may. */
  full: boolean
  /** The key of its event ids. Undefined: a build before event keys opened the session, or it has no event ids. */
  eventKey: string | undefined
  /** An instance of a build before event keys has served the session. */
  servedByOlder: boolean
  /** The mark of the last notification that is kept for the server. */
  heard?: string | undefined
}

/** The record has a format that this build cannot read. An instance of the newer build can serve the session. */
export class UnreadableRecord extends Error {
  override readonly name = 'UnreadableRecord'
}

/** A session id of 128 random bits. */
export function newSessionId(): string {
  return randomId(16)
}

/**
 * The session's key in the store: a digest of principal and id. With another principal the same id has another key, and
 * a listing of the keys reveals no id that a client could send.
 */
export function sessionKey(principal: string, sessionId: string): SessionKey {
  return digest(`${principal}\n${sessionId}`, 16)
}

type Recorded = Pick<Session, 'revision' | 'client' | 'createdAt' | 'legacy'> &
  Partial<Pick<Session, 'eventKey' | 'heard'>>

export function writeRecord(session: Recorded): string {
  const record: JsonObject = {
    v: RECORD_FORMAT,
    r: session.revision,
    t: session.createdAt,
    c: session.client.capabilities,
    i: session.client.info,
  }
  if (session.legacy) record.l = 1
  if (session.eventKey !== undefined) record.k = session.eventKey
  if (session.heard !== undefined) record.h = session.heard
  return JSON.stringify(record)
}

/**
 * Reads a record. A newer format may add members. If it changes the meaning of the members read here, its `min` names
 * the oldest format whose readers understand the record.
 *
 * @throws UnreadableRecord
 */
export function readRecord(id: string, key: SessionKey, row: SessionRow): Session {
  const { kept } = row
  const { read } = kept ?? {}
  const recorded = read instanceof RecordedSession ? read : new RecordedSession(row.record)
  if (kept && read !== recorded) {
    // Later requests get the same objects: no handler may change them.
    freeze(recorded.client)
    kept.read = recorded
  }
  return {
    id,
    key,
    revision: recorded.revision,
    client: recorded.client,
    createdAt: recorded.createdAt,
    legacy: recorded.legacy,
    level: row.level as LoggingLevel | undefined,
    busy: row.busy === true,
    full: row.full,
    eventKey: recorded.eventKey,
    servedByOlder: row.servedByOlder === true,
    heard: recorded.heard,
  }
}

/** What the record of a session says. */
class RecordedSession {
  readonly revision: SessionRevision
  readonly client: ClientView
  readonly createdAt: number
  readonly legacy: boolean
  readonly eventKey: string | undefined
  readonly heard: string | undefined

  /** @throws UnreadableRecord */
  constructor(text: string) {
    const record = parse(text)
    if (!isObject(record)) throw new UnreadableRecord('The session record is not an object.')
    const { v, min, r, t, c, i, l, k, h } = record
    if (!(Number(min ?? v) <= RECORD_FORMAT)) {
      throw new UnreadableRecord(`The session record has format ${String(v)}; this build reads up to ${RECORD_FORMAT}.`)
    }
    if (!isSessionRevision(r) || typeof t !== 'number') throw new UnreadableRecord('The session record is damaged.')
    this.revision = r
    this.client = { capabilities: isObject(c) ? c : {}, info: readImplementation(i) }
    this.createdAt = t
    this.legacy = l === 1
    this.eventKey = typeof k === 'string' ? k : undefined
    this.heard = typeof h === 'string' ? h : undefined
  }
}

function freeze(value: object): void {
  Object.freeze(value)
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) freeze(part)
}

/** Undefined if the text is not JSON: another build, or an instance with a key, may have written it. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `ctx.session`: values that the author of the server keeps with the session. */
export function sessionData(store: SessionStore, key: SessionKey): KeyValues {
  const put = async (name: string, value: string | undefined) => {
    const { status } = await store.setData(key, name, value)
    if (status === 'gone') throw new Error('The session has ended; nothing was stored.')
    if (status === 'full')
      throw new Error('The values of this session have as many bytes as they may; nothing was stored.')
  }
  return handledValues({
    async get<T>(name: string) {
      const text = await store.getData(key, name)
      return text === undefined ? undefined : (JSON.parse(text) as T)
    },
    set: async (name, value) => put(name, valueText(value)),
    delete: (name) => put(name, undefined),
  })
}

/** Adds what is known of the session to the event of its request. */
export function noteSession(note: RequestStart, { key, revision, client }: Session): void {
  note.session = key
  note.revision = revision
  if (client.info) note.client = clientName(client.info)
}
