/** Hands things out in batches: the first at once, and what comes within a while after a batch together. */
import type { Clock } from '../base/clock.ts'
import { jitter } from '../base/ids.ts'

export class Batches<T> {
  readonly #clock: Clock
  readonly #window: number
  readonly #hand: (batch: T[]) => void
  #waiting: T[] = []
  /** A batch is planned, or was handed out within the window. */
  #busy = false

  /** `window`: ms from a batch to the next at most, and half of it at least. */
  constructor(clock: Clock, window: number, hand: (batch: T[]) => void) {
    this.#clock = clock
    this.#window = window
    this.#hand = hand
  }

  add(item: T): void {
    this.#waiting.push(item)
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
