/** A connection whose reader may have much to read: what comes meanwhile waits, and the log has what is beyond a bound. */
import type { Kept, LogEntry } from '../../store/store.ts'
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
    const next = after + 1 + this.#backlog.length
    if (entry.n < next) return true
    if (entry.n > next || (bounded && this.#kept > MAX_KEPT)) {
      this.missed = true
      return true
    }
    if (!this.isBehind) void room?.then(() => this.#goOn())
    this.#backlog.push(entry)
    this.#kept += entry.data.length
    return true
  }

  #goOn(): void {
    const entries = this.#backlog
    this.#backlog = []
    this.#kept = 0
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

  /** False for a message of the log that the caller of this connection may not have. */
  protected mayDeliver(_data: string): boolean {
    return true
  }

  /** The connection has ended. */
  protected left(): void {}
}
