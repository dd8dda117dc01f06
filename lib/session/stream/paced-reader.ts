/** A connection whose reader may have much to read: what comes meanwhile waits, and the log has what is beyond a bound. */
import type { ChangeEntry, Kept, LogEntry } from '../../store/store.ts'
import type { SseResponse } from './sse-response.ts'

/** Characters of mail that wait. */
const MAX_KEPT = 1024 * 1024

export abstract class PacedReader {
  readonly response: SseResponse
  /** Something came while entries waited: the store has it. */
  protected missed = false
  /** Entries that follow those delivered, without a hole. */
  #backlog: LogEntry[] = []
  /** Characters in it. */
  #kept = 0
  /** An entry came whose number one in the backlog had under another tag. Until the store is asked, nothing more is kept. */
  #doubtful = false

  constructor(response: SseResponse) {
    this.response = response
  }

  /** `bounded`: the log has the entry, where there is no room for it here. */
  abstract deliver(entry: LogEntry, bounded?: boolean): void
  abstract look(): void

  /** While much waits for the reader: resolves when it has caught up, or when the response is over. */
  get room(): Promise<void> | undefined {
    return this.response.room
  }

  /** Entries wait until the reader has caught up. */
  protected get isBehind(): boolean {
    return this.#backlog.length > 0
  }

  /** Has an entry wait, where entries wait already or the reader has much to read. `after`: the last that was delivered. */
  protected keep(entry: LogEntry, after: number, bounded: boolean): boolean {
    const { room } = this.response
    if (!this.isBehind && !room) return false
    const at = entry.n - after - 1
    const known = this.#backlog[at]
    if (known && known.tag !== entry.tag) {
      // Old mail, or a failover has rolled the log back and its numbers are given again: the store knows.
      for (const dropped of this.#backlog.splice(at)) this.#count(-dropped.data.length)
      this.#doubtful = true
    }
    if (at < this.#backlog.length) return true
    if (this.#doubtful || at > this.#backlog.length || (bounded && this.#kept > MAX_KEPT)) {
      this.missed = true
      return true
    }
    if (!this.isBehind) void room?.then(() => this.#goOn())
    this.#backlog.push(entry)
    this.#count(entry.data.length)
    return true
  }

  /** What waits here is output of the response, which has a bound for all responses together. */
  #count(characters: number): void {
    this.#kept += characters
    this.response.keeps(characters)
  }

  #goOn(): void {
    const entries = this.#backlog
    this.#backlog = []
    this.#count(-this.#kept)
    this.#doubtful = false
    for (const entry of entries) this.deliver(entry, false)
    if (!this.isBehind) this.caughtUp()
  }

  /** The reader has all that waited for it. */
  protected caughtUp(): void {
    if (!this.missed) return
    this.missed = false
    this.look()
  }

  // What the connection of a session's own stream does in addition ------------------------------------------------

  /** What the session keeps in the store, as a heartbeat has found it. */
  protected reportKept(_kept: Kept): void {}

  /** The session has ended: it keeps nothing now. */
  protected sessionGone(): void {}

  /** New entries of the list of changes. */
  changes(_entries: ChangeEntry[]): void {}

  /** False for a message of the log that the caller of this connection may not have. */
  protected mayDeliver(_data: string): boolean {
    return true
  }

  /** The connection has ended. */
  protected left(): void {}
}
