/** Sessions as an operator sees them: without ids that a client could send, and without what a client stores. */
import { digest } from '../base/ids.ts'
import { untypedId } from '../protocol/jsonrpc.ts'
import { instanceOf } from '../runtime/name.ts'
import { readRecord } from '../session/stream/session.ts'
import type { StoredCall, StoredSession } from '../store/admin.ts'
import type { AdminStore, Holder, Owner, SessionKey, Store } from '../store/store.ts'
import { isKey, plain } from './text.ts'

/** Times are in ms. */
export interface SessionView {
  key: SessionKey
  /** Undefined: the record cannot be read, since it was sealed with another key, or a newer build wrote it. */
  revision: string | undefined
  client: { name: string; version: string } | undefined
  /** Undefined: a build before stored ends opened the session. */
  openFor: number | undefined
  /** Since the store last slid the lifetime of the session: up to a hundredth of that lifetime more than since its last request. */
  idleFor: number | undefined
  endsIn: number
  /** Of logs, requests and answers, about. */
  bytes: number
  streams: number
  calls: CallView[]
  /** The instances that hold its streams or run its calls. */
  instances: string[]
}

/** A registered call: one that takes longer than a moment, or has sent something. */
export interface CallView {
  /** Names the call for an operator. */
  key: string
  /** The JSON-RPC id. */
  request: string | number
  /** The instance that runs it. Undefined: that one released it, and any other may go on. */
  instance: string | undefined
  state: 'running' | 'cancelled' | 'suspended' | 'released'
}

/** A page of sessions, and where to go on. */
export interface SessionPage {
  sessions: StoredSession[]
  cursor: string | undefined
}

/** Sessions that are described at once. */
const AT_ONCE = 100

/**
 * Reads sessions page by page, about `limit` in all. Undefined: the cursor is none, or belongs to a node that is no primary any more.
 *
 * @param which all, or those that have open streams or calls
 */
export async function walkSessions(
  store: AdminStore,
  which: 'all' | 'live',
  from: string | undefined,
  limit: number,
): Promise<SessionPage | undefined> {
  const sessions = new Map<SessionKey, StoredSession>()
  let cursor = from
  do {
    const page = await store.walk(which, cursor, Math.min(AT_ONCE, limit - sessions.size))
    if (page.status !== 'ok') return undefined
    for (const session of await store.describe(page.keys)) if (session) sessions.set(session.key, session)
    cursor = page.cursor
  } while (cursor !== undefined && sessions.size < limit)
  return { sessions: [...sessions.values()], cursor }
}

/** The sessions of a principal from a position on: the cursor is the next position. */
export async function sessionsOfPrincipal(
  store: AdminStore,
  principal: string,
  from: string | undefined,
  limit: number,
): Promise<SessionPage | undefined> {
  if (from !== undefined && !/^\d{1,9}$/.test(from)) return undefined
  const keys = await store.sessionsOf(principal)
  const sessions: StoredSession[] = []
  let at = Number(from ?? 0)
  while (at < keys.length && sessions.length < limit) {
    const some = keys.slice(at, at + Math.min(AT_ONCE, limit - sessions.length))
    at += some.length
    for (const session of await store.describe(some)) if (session) sessions.push(session)
  }
  return { sessions, cursor: at < keys.length ? String(at) : undefined }
}

export async function oneSession(store: AdminStore, key: SessionKey): Promise<StoredSession | undefined> {
  return isKey(key) ? (await store.describe([key]))[0] : undefined
}

export function viewOf(session: StoredSession): SessionView {
  const { key, age, idle, left, bytes, holders, calls } = session
  const read = recordOf(session)
  const names = [...holders, ...calls.map(({ owner }) => owner)]
  return {
    key,
    revision: read?.revision,
    client: read?.client.info && { name: plain(read.client.info.name), version: plain(read.client.info.version) },
    openFor: age,
    idleFor: idle,
    endsIn: left,
    bytes,
    streams: holders.length,
    calls: calls.map((call) => callView(key, call)),
    instances: [...new Set(names.map(instanceOf))].filter((id) => id !== ''),
  }
}

function recordOf({ key, record }: StoredSession) {
  if (record === undefined) return undefined
  try {
    return readRecord('', key, { record, level: undefined, full: false })
  } catch {
    return undefined
  }
}

/** The name of a call for an operator: that of its stream is a part of event ids. */
export function callKey(session: SessionKey, { stream }: Pick<StoredCall, 'stream'>): string {
  return `${session}.${digest(stream, 9)}`
}

function callView(session: SessionKey, call: StoredCall): CallView {
  const { id, owner, cancelled, suspended } = call
  const request = untypedId(id)
  return {
    key: callKey(session, call),
    request: typeof request === 'string' ? plain(request) : request,
    instance: owner === '' ? undefined : instanceOf(owner),
    state: cancelled ? 'cancelled' : suspended ? 'suspended' : owner === '' ? 'released' : 'running',
  }
}

/** How many connections and runs were notified of the end. */
interface Ended {
  streams: number
  calls: number
}

/**
 * Ends a session as DELETE does. Undefined: there is none.
 *
 * @param principal whose session it is, where that is known: it has one session less at once, else once its lifetime is over
 */
export async function endSession(
  store: Pick<Store, 'deleteSession' | 'send' | 'tasks'>,
  key: SessionKey,
  principal?: string,
): Promise<Ended | undefined> {
  if (!isKey(key)) return undefined
  const reply = await store.deleteSession(key, principal === undefined ? undefined : { id: principal })
  // Also of a session that is gone: who ended it may have been lost before it removed them.
  const tasks = (await (await store.tasks?.())?.endSession(key)) ?? []
  const runs = tasks.flatMap(({ owner }) => owner ?? [])
  const [holders, owners] = reply.status === 'gone' ? [[], []] : [reply.holders, reply.owners]
  await Promise.all([...holders, ...owners, ...runs].map((to) => notify(store, to)))
  return reply.status === 'ok' ? { streams: holders.length, calls: owners.length } : undefined
}

async function notify(store: Pick<Store, 'send'>, to: Holder | Owner): Promise<void> {
  const instance = instanceOf(to)
  if (instance !== '') await store.send(instance, JSON.stringify({ t: 'gone', to }))
}
