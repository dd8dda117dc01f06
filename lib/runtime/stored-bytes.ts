/**
 * What the sessions of each client keep in the store, in bytes: reported to the store in the background, whose answer holds what the
 * client's other sessions keep, on all instances. A client that keeps more than it may opens no session, and its calls do not
 * stream, so that they add no log.
 */
import type { Kept, SessionKey } from '../store/store.ts'
import type { Instance } from './instance.ts'

/** A session is reported again when it keeps so many bytes more, or fewer, than at the last report. */
const STEP = 64 * 1024
/** A report that would count for another time than what it counts, by this part of that time, is made again. */
const TOLERANCE = 1 / 10
/** With too many bytes the count is read again when it is older than this, in ms. */
const FRESH_FOR = 2_000
const MAX_CLIENTS = 10_000
/** Sessions of one client whose last report is kept. */
const MAX_SESSIONS = 1_000

interface Stored {
  total: number
  /** When the total was read, by the clock of the instance. */
  at: number
  /** The last report of each session. */
  sessions: Map<SessionKey, Report>
}

interface Report {
  bytes: number
  /** Until when it counts, by the clock of the instance. */
  until: number
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

  /**
   * A session keeps so many bytes of logs, requests and answers, for so many ms. Each step of the session's work, and each
   * heartbeat, reports that: it is passed on where it differs from the last report.
   */
  report(client: string | undefined, session: SessionKey, { held, heldFor }: Kept): void {
    if (client === undefined) return
    const last = this.#clients.get(client)?.sessions.get(session)
    const bytes = held < STEP ? 0 : held
    if (bytes === 0 && last === undefined) return
    const until = this.#instance.clock.now() + heldFor
    const isSame = last && Math.abs(bytes - last.bytes) < STEP && Math.abs(until - last.until) <= heldFor * TOLERANCE
    if (isSame) return
    const { sessions } = this.#at(client)
    if (sessions.size >= MAX_SESSIONS) sessions.clear()
    if (bytes > 0) sessions.set(session, { bytes, until })
    else sessions.delete(session)
    this.count(client, logsOf(session), bytes, heldFor)
  }

  /** A session has ended, and keeps nothing. Where the store is away, it is told later. */
  ended(client: string | undefined, session: SessionKey): void {
    if (client === undefined) return
    this.#clients.get(client)?.sessions.delete(session)
    const forget = () => Promise.all([session, logsOf(session)].map((member) => this.#weigh(client, member, 0, 0)))
    this.#instance.track(this.#instance.retry.now(forget))
  }

  /** Another instance has ended a session, perhaps before the last report of this one reached the store. */
  gone(client: string | undefined, session: SessionKey): void {
    if (client !== undefined && this.#clients.get(client)?.sessions.has(session)) this.ended(client, session)
  }

  /** Counts the record of a session, or another part of what it keeps, for `lifetime` ms in place of what was counted before. */
  count(client: string | undefined, member: string, bytes: number, lifetime: number): void {
    if (client !== undefined) this.#instance.track(this.#weigh(client, member, bytes, lifetime))
  }

  async #weigh(client: string, member: string, bytes: number, lifetime: number): Promise<void> {
    const total = await this.#instance.store.weigh(client, member, bytes, lifetime)
    const stored = this.#at(client)
    const now = this.#instance.clock.now()
    stored.total = total
    stored.at = now
    if (total >= STEP) return
    // The last report of a session that keeps something may be under way.
    for (const [key, { until }] of stored.sessions) if (until <= now) stored.sessions.delete(key)
    if (stored.sessions.size === 0) this.#clients.delete(client)
  }

  /** The client keeps more than it may. */
  over(client: string | undefined): boolean {
    const stored = client === undefined ? undefined : this.#clients.get(client)
    if (!stored || stored.total <= this.#max) return false
    const now = this.#instance.clock.now()
    if (now - stored.at > FRESH_FOR) {
      stored.at = now
      // The name of no session: the count alone.
      this.count(client, '-', 0, 0)
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

/** The member of a client's count that has what a session keeps beside its record. The two count for different times. */
function logsOf(session: SessionKey): string {
  return `${session} logs`
}
