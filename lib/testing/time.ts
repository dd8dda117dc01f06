/** The time of instances under test: that of the system, and what a test has let pass beside it. */
import { type Clock, systemClock, type Timer } from '../base/clock.ts'

interface Pending {
  /** By `now`. */
  at: number
  /** ms; undefined: once. */
  every: number | undefined
  fn: () => void
  timer: Timer
}

/** Whether an instance still runs. */
interface Life {
  readonly over: boolean
}

export class TestTime {
  #passed = 0
  readonly #pending = new Set<Pending>()
  /** How many tests let time pass now: timers of the system wait until it has passed. */
  #advancing = 0

  now(): number {
    return systemClock.now() + this.#passed
  }

  /** A clock whose timers end with `life`. */
  clockOf(life: Life): Clock {
    return {
      now: () => this.now(),
      wall: () => systemClock.wall() + this.#passed,
      after: (ms, fn) => this.#add(ms, undefined, life, fn),
      every: (ms, fn) => this.#add(ms, ms, life, fn),
    }
  }

  #add(ms: number, every: number | undefined, life: Life, fn: () => void): Timer {
    const pending: Pending = {
      at: this.now() + ms,
      every,
      timer: { cancel() {} },
      fn: () => {
        if (life.over) this.#pending.delete(pending)
        else fn()
      },
    }
    this.#pending.add(pending)
    this.#wait(pending)
    return {
      cancel: () => {
        pending.timer.cancel()
        this.#pending.delete(pending)
      },
    }
  }

  #wait(pending: Pending): void {
    pending.timer.cancel()
    if (this.#advancing > 0) return
    pending.timer = systemClock.after(Math.max(0, pending.at - this.now()), () => this.#fire(pending))
  }

  #fire(pending: Pending): void {
    if (pending.every === undefined) this.#pending.delete(pending)
    else {
      pending.at += pending.every
      // Before `fn`, which may cancel the timer.
      this.#wait(pending)
    }
    pending.fn()
  }

  /** Lets `ms` pass at once. What is due meanwhile happens in its order, each at its time. */
  async advance(ms: number): Promise<void> {
    const end = this.now() + ms
    this.#advancing++
    for (;;) {
      const [next] = [...this.#pending].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
      if (!next) break
      this.#passed += Math.max(0, next.at - this.now())
      next.timer.cancel()
      this.#fire(next)
      // Signs of life and heartbeats are many, and what they begin waits for nothing but the store in memory.
      if (next.every === undefined) await turn()
      else await moment()
    }
    this.#passed += Math.max(0, end - this.now())
    this.#advancing--
    for (const pending of this.#pending) this.#wait(pending)
    await turn()
  }
}

/** Resolves when a step at the store in memory, and what follows it, is done. */
async function moment(): Promise<void> {
  for (let i = 0; i < STEPS; i++) await undefined
}

const STEPS = 30

/** Resolves when the work that has begun waits for a timer or for a test. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
