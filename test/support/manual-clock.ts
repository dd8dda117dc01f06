/** A clock that advances only by `advance`, so that a test need not wait. */
import type { Clock, Timer } from '../../lib/base/clock.ts'

export class ManualClock implements Clock {
  #now = 1_000_000
  #wall: number
  readonly #timers = new Set<{ at: number; every: number | undefined; fn: () => void }>()

  /** @param wall what the wall clock shows, in ms since 1970 */
  constructor(wall = 1_800_000_000_000) {
    this.#wall = wall
  }

  now(): number {
    return this.#now
  }

  wall(): number {
    return this.#wall
  }

  /** Sets the wall clock forward by `ms`, or back. No time passes. */
  setWall(ms: number): void {
    this.#wall += ms
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
      this.#pass(Math.max(this.#now, due.at))
      if (due.every === undefined) this.#timers.delete(due)
      else due.at += due.every
      due.fn()
      await this.settle()
    }
    this.#pass(end)
    await this.settle()
  }

  #pass(to: number): void {
    this.#wall += to - this.#now
    this.#now = to
  }

  /** Waits for the work that a timer starts. */
  protected settle(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }
}
