/**
 * A reliable, ordered connection between two instances, made of mail, which may be lost or come twice. Messages are numbered in
 * pieces. The receiver reports what it got, so that the sender sends the rest again, and what it has done, which is how much more may
 * be sent: a slow receiver slows the sender down.
 */
import type { Clock, Timer } from '../../../../base/clock.ts'
import { isObject, type JsonObject } from '../../../../protocol/jsonrpc.ts'
import type { Flow } from './flow.ts'

/** Characters of a piece. */
const PIECE = 48 * 1024
/** Characters of one connection that may be under way, and that may wait before {@link Link.push} waits. */
const WINDOW = 384 * 1024
/** How long reports may wait for something to go with, and how long an answer may take before the pieces are sent again. ms */
const REPORT_AFTER = 15
const AGAIN_AFTER = 2_000

interface LinkParts {
  id: string
  clock: Clock
  /** How much is under way to the other instance in all. */
  flow: Flow
  send(frame: JsonObject): void
  /** Takes a message, one after the other. The next one comes when the promise has resolved. */
  take(message: JsonObject): Promise<unknown> | undefined
}

export class Link {
  readonly id: string
  readonly #parts: LinkParts
  /** The pieces that the other end has not done yet, from the number `#done + 1` on. */
  readonly #pieces: string[] = []
  #waiting = 0
  /** Of the own pieces: sent, received and done, by number. */
  #sent = 0
  #got = 0
  #done = 0
  #underWay = 0
  #room: (() => void)[] = []
  #empty: (() => void)[] = []
  #again: Timer | undefined
  /** Of the pieces of the other end: received and done. */
  #received = 0
  #taken = 0
  #partial: string[] = []
  #taking = Promise.resolve()
  #report: Timer | undefined
  #closed = false

  constructor(parts: LinkParts) {
    this.id = parts.id
    this.#parts = parts
  }

  get closed(): boolean {
    return this.#closed
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

  /** Resolves when the other end has done everything that was sent, or the connection is closed. */
  async flushed(): Promise<void> {
    if (this.#pieces.length > 0 && !this.#closed) await new Promise<void>((resolve) => this.#empty.push(resolve))
  }

  receive(frame: JsonObject): void {
    if (this.#closed) return
    const { n, m, g, a, q } = frame
    if (typeof g === 'number') this.#got = Math.max(this.#got, Math.min(g, this.#sent))
    if (typeof a === 'number') this.#acknowledged(a)
    if (typeof n === 'number' && Array.isArray(m)) this.#pieceFrom(n, m)
    if (q !== undefined) this.#sendReport()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#again?.cancel()
    this.#report?.cancel()
    this.#parts.flow.took(-this.#underWay)
    for (const wake of [...this.#room.splice(0), ...this.#empty.splice(0)]) wake()
  }

  /** Reports at once what has been done: the other end waits for that to forget the connection. */
  sendReport(): void {
    if (!this.#closed) this.#sendReport()
  }

  // Sending ---------------------------------------------------------------------------------------------------------

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

  #send(n: number, m: string[]): void {
    this.#report?.cancel()
    this.#report = undefined
    // A mail has a bound: several pieces go together only while they are short.
    for (let at = 0; at < m.length; ) {
      let end = at + 1
      let size = (m[at] as string).length
      while (end < m.length && size + (m[end] as string).length <= PIECE) size += (m[end++] as string).length
      this.#parts.send({ id: this.id, n: n + at, m: m.slice(at, end), g: this.#received, a: this.#taken })
      at = end
    }
  }

  /** While pieces are not done: sends again what the other end did not get, or asks it how far it is. */
  #watch(): void {
    this.#again?.cancel()
    this.#again = undefined
    if (this.#pieces.length === 0 || this.#closed) return
    this.#again = this.#parts.clock.after(AGAIN_AFTER, () => {
      const missing = this.#pieces.slice(this.#got - this.#done, this.#sent - this.#done)
      if (missing.length > 0) this.#send(this.#got + 1, missing)
      else this.#parts.send({ id: this.id, q: 1, g: this.#received, a: this.#taken })
      this.#watch()
    })
  }

  #acknowledged(a: number): void {
    const done = Math.min(a, this.#sent)
    if (done <= this.#done) return
    let freed = 0
    for (const piece of this.#pieces.splice(0, done - this.#done)) freed += piece.length
    this.#done = done
    this.#got = Math.max(this.#got, done)
    this.#underWay -= freed
    this.#waiting = Math.max(0, this.#waiting - freed)
    this.#parts.flow.took(-freed)
    this.#pump()
    if (this.#waiting <= WINDOW) for (const wake of this.#room.splice(0)) wake()
    if (this.#pieces.length === 0) {
      this.#waiting = 0
      for (const wake of this.#empty.splice(0)) wake()
    }
  }

  // Receiving -------------------------------------------------------------------------------------------------------

  #pieceFrom(n: number, pieces: unknown[]): void {
    for (const [i, piece] of pieces.entries()) {
      // A piece that comes again, or after one that was lost: the report says from where to go on.
      if (n + i !== this.#received + 1 || typeof piece !== 'string') continue
      this.#received++
      this.#partial.push(piece.slice(1))
      if (!piece.startsWith('.')) {
        this.#takeLater(undefined, this.#received)
        continue
      }
      const message: unknown = JSON.parse(this.#partial.join(''))
      this.#partial = []
      this.#takeLater(isObject(message) ? message : undefined, this.#received)
    }
    this.#reportSoon()
  }

  /** The pieces of a long message count as done as they arrive: their receiver keeps them all. */
  #takeLater(message: JsonObject | undefined, number: number): void {
    const take = async () => {
      if (message && !this.#closed) await this.#parts.take(message)
    }
    this.#taking = this.#taking.then(take, take).then(
      () => this.#took(number),
      () => this.#took(number),
    )
  }

  #took(number: number): void {
    this.#taken = Math.max(this.#taken, number)
    this.#reportSoon()
  }

  #reportSoon(): void {
    if (this.#closed || this.#report) return
    this.#report = this.#parts.clock.after(REPORT_AFTER, () => this.#sendReport())
  }

  #sendReport(): void {
    this.#report?.cancel()
    this.#report = undefined
    this.#parts.send({ id: this.id, g: this.#received, a: this.#taken })
  }
}
