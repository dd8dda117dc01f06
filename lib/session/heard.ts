/**
 * Notifications of a session's client for the author's server, such as changed roots. The session keeps the latest of each
 * method, and its record a mark that changes with each. A process that serves the session next compares the mark.
 */
import { randomId } from '../base/ids.ts'
import type { JsonRpcNotification } from '../protocol/jsonrpc.ts'
import { sessionNotFound } from '../runtime/refusals.ts'
import { type Heard, heardName } from '../server/context/heard.ts'
import type { Dispatcher } from '../server/dispatcher.ts'
import type { SessionStore } from '../store/store.ts'
import { type Session, writeRecord } from './stream/session.ts'

/** Characters of a notification that a session keeps. A longer one reaches the process where it arrives, and no other. */
const MAX_KEPT = 16 * 1024

/**
 * Keeps a notification with the session, then gives it to the server in this process.
 *
 * @throws Refusal 404 where the session has ended
 */
export async function hear(
  dispatcher: Dispatcher,
  store: SessionStore,
  session: Session,
  { method, params }: JsonRpcNotification,
): Promise<void> {
  const reach = dispatcher.hears?.(method)
  if (!reach) return
  const heard: Heard = { id: randomId(9), method, ...(params && { params }) }
  const text = JSON.stringify(heard)
  const isKept = reach === 'everywhere' && text.length <= MAX_KEPT
  if (isKept && !(await keep(store, session, heard, text))) throw sessionNotFound()
  dispatcher.hear?.(heard, session.id)
}

/** False: the session has ended. Where its values have no room, the notification is for this process alone. */
async function keep(store: SessionStore, session: Session, { id, method }: Heard, text: string): Promise<boolean> {
  // First the value, then the mark: a process that sees the mark finds the value.
  const kept = await store.setData(session.key, heardName(method), text)
  if (kept.status === 'full') return true
  if (kept.status === 'gone') return false
  const marked = await store.replaceRecord(session.key, writeRecord({ ...session, heard: id }))
  return marked.status !== 'gone'
}
