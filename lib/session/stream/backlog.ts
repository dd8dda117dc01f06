/** Entries that a connection has for its reader, while much waits for that: they follow those delivered, without a hole. */
import type { LogEntry } from '../../store/store.ts'

/** Characters of mail that are kept. The log has the rest. */
const MAX_KEPT = 1024 * 1024

export class Backlog {
  #entries: LogEntry[] = []
  #kept = 0

  get length(): number {
    return this.#entries.length
  }

  /**
   * Adds an entry. False: there is no room for it, or entries before it are missing, so that the log has to be read.
   *
   * @param delivered the number of the last entry that was delivered
   * @param bounded false where the entry comes from the log
   */
  add(entry: LogEntry, delivered: number, bounded: boolean): boolean {
    const next = delivered + 1 + this.#entries.length
    if (entry.n < next) return true
    if (entry.n > next || (bounded && this.#kept > MAX_KEPT)) return false
    this.#entries.push(entry)
    this.#kept += entry.data.length
    return true
  }

  /** Gives the entries, and is empty. */
  take(): LogEntry[] {
    const entries = this.#entries
    this.#entries = []
    this.#kept = 0
    return entries
  }
}
