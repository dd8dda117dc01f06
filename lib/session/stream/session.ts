/** One session as one request sees it: read from the store, used, forgotten. Nothing here outlives a response. */
import { digest, randomId } from '../../base/ids.ts'
import type { JsonObject } from '../../protocol/jsonrpc.ts'
import { isObject } from '../../protocol/jsonrpc.ts'
import type { SessionRevision } from '../../protocol/revisions.ts'
import { isSessionRevision } from '../../protocol/revisions.ts'
import type { LoggingLevel } from '../../protocol/types.ts'
import { readImplementation } from '../../protocol/types.ts'
import type { ClientView } from '../../server/context/client-channel.ts'
import type { SessionKey, SessionRow, SessionStore } from '../../store/store.ts'
import type { KeyValues } from '../../store/values.ts'

/** The format of the record that this build writes, and the newest one that it can read. */
const RECORD_FORMAT = 1

export interface Session {
  id: string
  key: SessionKey
  revision: SessionRevision
  client: ClientView
  /** When it was opened, ms since 1970. */
  createdAt: number
  /** Opened by `GET /sse` (2024-11-05): every message goes out on the session's one stream. */
  legacy: boolean
  level: LoggingLevel | undefined
}

/** A record that a newer build wrote in a format this one cannot read: another instance can serve it. */
export class UnreadableRecord extends Error {
  override readonly name = 'UnreadableRecord'
}

/** 128 random bits. */
export function newSessionId(): string {
  return randomId(16)
}

/**
 * The session's key. The principal is part of it: another principal misses by construction, and a listing of keys
 * reveals no id that a client could present.
 */
export function sessionKey(principal: string, sessionId: string): SessionKey {
  return digest(`${principal}\n${sessionId}`, 16)
}

export function writeRecord(session: Pick<Session, 'revision' | 'client' | 'createdAt' | 'legacy'>): string {
  const record: JsonObject = {
    v: RECORD_FORMAT,
    r: session.revision,
    t: session.createdAt,
    c: session.client.capabilities,
    i: session.client.info,
  }
  if (session.legacy) record.l = 1
  return JSON.stringify(record)
}

/**
 * Reads a record. A newer format may add members; where it changes the meaning of those read here it says so with
 * `min`, the oldest format whose readers understand it.
 *
 * @throws UnreadableRecord
 */
export function readRecord(id: string, key: SessionKey, row: SessionRow): Session {
  const record = parse(row.record)
  if (!isObject(record)) throw new UnreadableRecord('The session record is not an object.')
  const { v, min, r, t, c, i, l } = record
  if (!(Number(min ?? v) <= RECORD_FORMAT)) {
    throw new UnreadableRecord(`The session record has format ${String(v)}; this build reads up to ${RECORD_FORMAT}.`)
  }
  if (!isSessionRevision(r) || typeof t !== 'number') throw new UnreadableRecord('The session record is damaged.')
  return {
    id,
    key,
    revision: r,
    client: {
      capabilities: isObject(c) ? c : {},
      info: readImplementation(i),
    },
    createdAt: t,
    legacy: l === 1,
    level: row.level as LoggingLevel | undefined,
  }
}

/** What another build, or one that has a key, wrote may be no JSON at all. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `ctx.session`: values of the author, kept with the session. */
export function sessionData(store: SessionStore, key: SessionKey): KeyValues {
  const put = async (name: string, value: string | undefined) => {
    const { status } = await store.setData(key, name, value)
    if (status === 'gone') throw new Error('The session has ended; nothing was stored.')
  }
  return {
    async get<T>(name: string) {
      const text = await store.getData(key, name)
      return text === undefined ? undefined : (JSON.parse(text) as T)
    },
    set: (name, value) => put(name, JSON.stringify(value ?? null)),
    delete: (name) => put(name, undefined),
  }
}
