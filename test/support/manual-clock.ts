/** A clock that advances only by `advance`, so that a test need not wait. */
import type { Clock, Timer } from '../../lib/base/clock.ts'

export class ManualClock implements Clock {
  #now: number
  readonly #timers = new Set<{ at: number; every: number | undefined; fn: () => void }>()

  constructor(now = 1_800_000_000_000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  after(ms: number, fn: () => void): Timer {
    return this.#add(ms, undefined, fn)
  }

  every(ms: number, fn: () => void): Timer {
    return this.#add(ms, ms, fn)
  }

  #add(ms: number, every: number | undefined, fn: () => void): Timer {
    const timer = { at: this.#now + ms, every, fn }
    this.#timers.add(timer)
    return { cancel: () => this.#timers.delete(timer) }
  }

  /** Advances by `ms` and runs due timers in order. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0]
      if (!due) break
      this.#now = Math.max(this.#now, due.at)
      if (due.every === undefined) this.#timers.delete(due)
      else due.at += due.every
      due.fn()
      await this.settle()
    }
    this.#now = end
    await this.settle()
  }

  /** Waits for the work that a timer starts. */
  protected settle(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }
}
