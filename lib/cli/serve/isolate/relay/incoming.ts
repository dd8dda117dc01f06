/** What one end of a connection gets: pieces, of which it makes messages and takes one after the other. */
import type { Clock, Timer } from '../../../../base/clock.ts'
import { isObject, type JsonObject } from '../../../../protocol/jsonrpc.ts'

/** How long a report may wait for something to go with, in ms. */
const REPORT_AFTER = 15

interface IncomingParts {
  clock: Clock
  /** Takes a message. The next one comes when the promise has resolved. */
  take(message: JsonObject): Promise<unknown> | undefined
  /** Sends a report of what was received and done. */
  report(): void
}

export class Incoming {
  readonly #parts: IncomingParts
  readonly #partial: string[] = []
  #received = 0
  #taken = 0
  #taking: Promise<void> = Promise.resolve()
  #report: Timer | undefined
  #closed = false

  constructor(parts: IncomingParts) {
    this.#parts = parts
  }

  /** The last piece that arrived, by number. */
  get received(): number {
    return this.#received
  }
  /** The last piece that is done. */
  get taken(): number {
    return this.#taken
  }

  /** Resolves when every message that has arrived is done. */
  settled(): Promise<void> {
    return this.#taking
  }

  /** Pieces from the number `n` on have arrived. */
  add(n: number, pieces: readonly unknown[]): void {
    for (const [i, piece] of pieces.entries()) {
      // A piece that comes again, or after one that was lost: the report says from where to go on.
      if (n + i !== this.#received + 1 || typeof piece !== 'string') continue
      this.#received++
      this.#partial.push(piece.slice(1))
      const isWhole = piece.startsWith('.')
      const message: unknown = isWhole ? JSON.parse(this.#partial.splice(0).join('')) : undefined
      this.#takeLater(message, this.#received)
    }
    this.#reportSoon()
  }

  /** Something goes to the other end, with what a report says. */
  reported(): void {
    this.#report?.cancel()
    this.#report = undefined
  }

  close(): void {
    this.#closed = true
    this.reported()
  }

  /** The pieces of a long message count as done as they arrive: their receiver keeps them all. */
  #takeLater(message: unknown, number: number): void {
    const take = async () => {
      if (isObject(message) && !this.#closed) await this.#parts.take(message)
    }
    const took = () => {
      this.#taken = number
      this.#reportSoon()
    }
    this.#taking = this.#taking.then(take).then(took, took)
  }

  #reportSoon(): void {
    if (this.#closed || this.#report) return
    this.#report = this.#parts.clock.after(REPORT_AFTER, () => this.#parts.report())
  }
}
