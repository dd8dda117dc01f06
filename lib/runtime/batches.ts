/** Hands things out in batches: the first at once, and what comes within a while after a batch together, but not too many. */
import type { Clock } from '../base/clock.ts'
import { jitter } from '../base/ids.ts'

/** What comes within this time after a batch goes out together, in ms. It is half as long at least. */
const WINDOW = 50
/** So many do not wait for it: the list of changes in the store must reach back to the oldest of them. */
const MOST = 200

export class Batches<T> {
  readonly #clock: Clock
  readonly #hand: (batch: T[]) => void
  #waiting: T[] = []
  /** A batch is planned, or was handed out within the window. */
  #busy = false

  constructor(clock: Clock, hand: (batch: T[]) => void) {
    this.#clock = clock
    this.#hand = hand
  }

  add(item: T): void {
    this.#waiting.push(item)
    if (this.#waiting.length >= MOST) this.flush()
    if (this.#busy) return
    this.#busy = true
    // What is added in the same turn goes with the first.
    queueMicrotask(() => this.#round())
  }

  /** Hands out what waits. */
  flush(): void {
    if (this.#waiting.length > 0) this.#hand(this.#waiting.splice(0))
  }

  #round(): void {
    this.#busy = this.#waiting.length > 0
    if (!this.#busy) return
    this.flush()
    this.#clock.after(jitter(WINDOW), () => this.#round())
  }
}
