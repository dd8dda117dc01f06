/** Hands things out in batches: the first at once, and what comes within a while after a batch together, but not too many. */
import type { Clock } from '../base/clock.ts'
import { jitter } from '../base/ids.ts'

export class Batches<T> {
  readonly #clock: Clock
  readonly #window: number
  readonly #most: number
  readonly #hand: (batch: T[]) => void
  #waiting: T[] = []
  /** A batch is planned, or was handed out within the window. */
  #busy = false

  /** `window`: ms from a batch to the next at most, and half of it at least. `most`: so many do not wait for it. */
  constructor(clock: Clock, window: number, most: number, hand: (batch: T[]) => void) {
    this.#clock = clock
    this.#window = window
    this.#most = most
    this.#hand = hand
  }

  add(item: T): void {
    this.#waiting.push(item)
    if (this.#waiting.length >= this.#most) this.flush()
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
    this.#clock.after(jitter(this.#window), () => this.#round())
  }
}
