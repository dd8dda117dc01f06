/**
 * What the sessions of each client keep in the store, in bytes: reported to the store in the background, whose answer holds what the
 * client's other sessions keep, on all instances. A client that keeps more than it may opens no session, and its calls do not
 * stream, so that they add no log.
 */
import type { SessionKey } from '../store/store.ts'
import type { Instance } from './instance.ts'

/** A session is reported again when it keeps so many bytes more, or fewer, than at the last report. */
const STEP = 64 * 1024
/** How long a report counts, in ms: as long as the log of a stream that has ended. */
const LIFETIME = 5 * 60_000
/** With too many bytes the count is read again when it is older than this, in ms. */
const FRESH_FOR = 2_000
const MAX_CLIENTS = 10_000
/** Sessions of one client whose last report is kept. */
const MAX_SESSIONS = 1_000

interface Stored {
  total: number
  /** When the total was read, by the clock of the instance. */
  at: number
  /** The bytes of each session at its last report. */
  sessions: Map<SessionKey, number>
}

export class StoredBytes {
  readonly #instance: Instance
  readonly #max: number
  readonly #clients = new Map<string, Stored>()

  /** @param max bytes of one client */
  constructor(instance: Instance, max: number) {
    this.#instance = instance
    this.#max = max
  }

  /** A session keeps so many bytes. */
  report(client: string | undefined, session: SessionKey, bytes: number): void {
    if (client === undefined || bytes < STEP) return
    const { sessions } = this.#at(client)
    if (Math.abs(bytes - (sessions.get(session) ?? 0)) < STEP) return
    if (sessions.size >= MAX_SESSIONS) sessions.clear()
    sessions.set(session, bytes)
    this.count(client, session, bytes, LIFETIME)
  }

  /** Counts what a session keeps for `lifetime` ms in place of what was counted for it before. */
  count(client: string | undefined, session: SessionKey, bytes: number, lifetime: number): void {
    if (client === undefined) return
    const counted = this.#instance.store.weigh(client, session, bytes, lifetime).then((total) => {
      const stored = this.#at(client)
      stored.total = total
      stored.at = this.#instance.clock.now()
      if (total < STEP) this.#clients.delete(client)
    })
    this.#instance.track(counted)
  }

  /** The client keeps more than it may. */
  over(client: string | undefined): boolean {
    const stored = client === undefined ? undefined : this.#clients.get(client)
    if (!stored || stored.total <= this.#max) return false
    const now = this.#instance.clock.now()
    if (now - stored.at > FRESH_FOR) {
      stored.at = now
      // The name of no session: the count alone.
      this.count(client, '-', 0, LIFETIME)
    }
    return true
  }

  #at(client: string): Stored {
    const known = this.#clients.get(client)
    if (known) return known
    const [oldest] = this.#clients.keys()
    if (oldest !== undefined && this.#clients.size >= MAX_CLIENTS) this.#clients.delete(oldest)
    const stored: Stored = { total: 0, at: 0, sessions: new Map() }
    this.#clients.set(client, stored)
    return stored
  }
}
