/** How many calls a session has: in this process, and at the store where it is near its limit. */
import type { Instance } from '../../runtime/instance.ts'
import type { SessionKey } from '../../store/store.ts'
import type { Session } from '../stream/session.ts'
import { endOrphans } from './on-demand.ts'

/** By session. Calls that return at once are never counted. */
export class RunningCalls {
  readonly #counts = new Map<SessionKey, number>()

  of(key: SessionKey): number {
    return this.#counts.get(key) ?? 0
  }

  begin(key: SessionKey): void {
    this.#counts.set(key, this.of(key) + 1)
  }

  end(key: SessionKey): void {
    const left = this.of(key) - 1
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
  }
}

/**
 * Counts the calls of a session that had as many as it may. This is one more round trip, and only then. Calls that nobody
 * runs are ended. HTTP+SSE: the holder of the session's one stream takes those over.
 */
export async function recount(instance: Instance, session: Session): Promise<void> {
  const { key, legacy } = session
  const { maxCalls } = instance.options
  const isBusy = async () => (await instance.store.countCalls(key, maxCalls)) >= maxCalls
  session.busy = await isBusy()
  if (session.busy && !legacy && (await endOrphans(instance, key))) session.busy = await isBusy()
}
