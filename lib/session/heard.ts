/**
 * Notifications of a session's client for the author's server, such as changed roots. The session keeps the latest of each
 * method, and its record a mark that changes with each. A process that serves the session next compares the mark.
 */
import { randomId } from '../base/ids.ts'
import type { JsonRpcNotification } from '../protocol/jsonrpc.ts'
import type { Caller } from '../runtime/caller.ts'
import { sessionNotFound } from '../runtime/refusals.ts'
import { type Heard, heardName } from '../server/context/heard.ts'
import type { Dispatcher } from '../server/dispatcher.ts'
import type { SessionStore } from '../store/store.ts'
import { type Session, writeRecord } from './stream/session.ts'

/** Characters of a notification that a session keeps. A longer one reaches the process where it arrives, and no other. */
const MAX_KEPT = 16 * 1024

/**
 * Keeps a notification with the session where other processes need it, then gives it to the server in this process.
 *
 * @throws Refusal 404 where the session has ended
 */
export async function hear(
  dispatcher: Dispatcher,
  store: SessionStore,
  session: Session,
  caller: Caller,
  notification: JsonRpcNotification,
): Promise<void> {
  const { method, params } = notification
  const kept = dispatcher.keeps?.(method) ? await keep(store, session, notification) : undefined
  dispatcher.heard?.(method, params, { session, caller, kept })
}

/**
 * Its id. Undefined: it is too long, or the values of the session have no room, so that it is for this process alone.
 *
 * @throws Refusal 404 where the session has ended
 */
async function keep(
  store: SessionStore,
  session: Session,
  { method, params }: JsonRpcNotification,
): Promise<string | undefined> {
  const heard: Heard = { id: randomId(9), method, ...(params && { params }) }
  const text = JSON.stringify(heard)
  if (text.length > MAX_KEPT) return undefined
  // First the value, then the mark: a process that sees the mark finds the value.
  const kept = await store.setData(session.key, heardName(method), text)
  if (kept.status === 'full') return undefined
  const { status } =
    kept.status === 'gone' ? kept : await store.replaceRecord(session.key, writeRecord({ ...session, heard: heard.id }))
  if (status === 'gone') throw sessionNotFound()
  return heard.id
}
