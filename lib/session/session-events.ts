/** The events of sessions. They are made only where somebody listens. */
import { publish, type RequestStart, type SessionEvent, type SessionStart } from '../base/events.ts'
import { clientName } from '../protocol/client.ts'
import type { Caller } from '../runtime/caller.ts'
import type { Instance } from '../runtime/instance.ts'
import { readRecord, type Session } from './stream/session.ts'

function eventOf({ id }: Instance, session: Session, request: RequestStart | undefined): SessionStart {
  const { key, revision, client } = session
  const event: SessionStart = { instance: id, session: key, revision }
  if (client.info) event.client = clientName(client.info)
  if (request) event.request = request
  return event
}

export function publishOpened(instance: Instance, session: Session, { note }: Caller): void {
  publish('session-start', eventOf(instance, session, note))
}

/**
 * Reads, before a session is deleted, what its event has.
 *
 * @returns a function that publishes the event. Undefined: the session was gone, or the store did not answer
 */
export async function endingOf(instance: Instance, key: string, { note }: Caller): Promise<(() => void) | undefined> {
  const { store, options, clock } = instance
  const row = await store.readSession(key, undefined, options.maxLifetime).catch(() => undefined)
  if (!row) return undefined
  const session = readRecord('', key, row)
  return () => {
    const outcome = session.legacy ? 'closed' : 'deleted'
    const durationMs = Math.max(0, clock.wall() - session.createdAt)
    const event: SessionEvent = { ...eventOf(instance, session, note), outcome, durationMs }
    publish('session', event)
  }
}
