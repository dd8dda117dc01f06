/** What one end of a connection sends: messages in numbered pieces, until the other end has done them. */
import type { Clock, Timer } from '../../../../base/clock.ts'
import type { JsonObject } from '../../../../protocol/jsonrpc.ts'
import type { Flow } from './flow.ts'

/** Characters of a piece. */
const PIECE = 48 * 1024
/** Characters of one connection that may be under way, and that may wait before {@link Outgoing.push} waits. */
const WINDOW = 384 * 1024
/** How long an answer may take before the pieces are sent again, in ms. */
const AGAIN_AFTER = 2_000

interface OutgoingParts {
  clock: Clock
  /** How much is under way to the other instance in all. */
  flow: Flow
  /** Sends pieces from the number `n` on. */
  send(n: number, pieces: readonly string[]): void
  /** Asks the other end how far it is. */
  probe(): void
}

export class Outgoing {
  readonly #parts: OutgoingParts
  /** The pieces that the other end has not done yet, from the number `#done + 1` on. */
  readonly #pieces: string[] = []
  /** Who waits for room, and until everything is done. */
  readonly #room: (() => void)[] = []
  readonly #empty: (() => void)[] = []
  #waiting = 0
  /** The last piece that was sent, that the other end has, and that it has done, by number. */
  #sent = 0
  #got = 0
  #done = 0
  #underWay = 0
  #again: Timer | undefined
  #closed = false

  constructor(parts: OutgoingParts) {
    this.#parts = parts
  }

  /** Sends a message. Resolves when the next one may follow. */
  push(message: JsonObject): Promise<void> {
    if (this.#closed) return Promise.resolve()
    const text = JSON.stringify(message)
    for (let at = 0; at < text.length; at += PIECE) {
      const isLast = at + PIECE >= text.length
      this.#pieces.push(`${isLast ? '.' : '+'}${text.slice(at, at + PIECE)}`)
    }
    this.#waiting += text.length
    this.#pump()
    if (this.#waiting <= WINDOW) return Promise.resolve()
    return new Promise((resolve) => this.#room.push(resolve))
  }

  /** Resolves when the other end has done everything, or the connection is closed. */
  async flushed(): Promise<void> {
    if (this.#pieces.length > 0 && !this.#closed) await new Promise<void>((resolve) => this.#empty.push(resolve))
  }

  /** The other end has the pieces up to `got`, and has done those up to `done`. */
  reported(got: number, done: number): void {
    this.#got = Math.max(this.#got, Math.min(Math.max(got, done), this.#sent))
    const until = Math.min(done, this.#sent)
    if (until <= this.#done) return
    let freed = 0
    for (const piece of this.#pieces.splice(0, until - this.#done)) freed += piece.length
    this.#done = until
    this.#underWay -= freed
    this.#waiting = this.#pieces.length === 0 ? 0 : Math.max(0, this.#waiting - freed)
    this.#parts.flow.took(-freed)
    this.#pump()
    if (this.#waiting <= WINDOW) for (const wake of this.#room.splice(0)) wake()
    if (this.#pieces.length === 0) for (const wake of this.#empty.splice(0)) wake()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#again?.cancel()
    this.#parts.flow.took(-this.#underWay)
    for (const wake of [...this.#room.splice(0), ...this.#empty.splice(0)]) wake()
  }

  #pump(): void {
    const { flow } = this.#parts
    const batch: string[] = []
    const from = this.#sent + 1
    for (;;) {
      const piece = this.#pieces[this.#sent - this.#done]
      if (piece === undefined) break
      // One piece is always under way, so that no connection waits for another one.
      const fits = this.#underWay + piece.length <= WINDOW && flow.has(piece.length)
      if (this.#underWay > 0 && !fits) break
      batch.push(piece)
      this.#sent++
      this.#underWay += piece.length
      flow.took(piece.length)
    }
    if (batch.length > 0) this.#send(from, batch)
    this.#watch()
  }

  /** A mail has a bound: several pieces go together only while they are short. */
  #send(n: number, pieces: readonly string[]): void {
    let begin = 0
    let size = 0
    for (const [i, { length }] of pieces.entries()) {
      if (i > begin && size + length > PIECE) {
        this.#parts.send(n + begin, pieces.slice(begin, i))
        begin = i
        size = 0
      }
      size += length
    }
    this.#parts.send(n + begin, pieces.slice(begin))
  }

  /** While pieces are not done: sends again what the other end did not get, or asks it how far it is. */
  #watch(): void {
    this.#again?.cancel()
    this.#again = undefined
    if (this.#pieces.length === 0 || this.#closed) return
    this.#again = this.#parts.clock.after(AGAIN_AFTER, () => {
      const missing = this.#pieces.slice(this.#got - this.#done, this.#sent - this.#done)
      if (missing.length > 0) this.#send(this.#got + 1, missing)
      else this.#parts.probe()
      this.#watch()
    })
  }
}
