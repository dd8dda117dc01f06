/** The clock. Code that reads the time or waits takes a clock as a parameter, so that a test can control the time. */

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Runs `fn` once after `ms`. The timer never keeps the process alive. */
  after(ms: number, fn: () => void): Timer
  /** Runs `fn` every `ms`. The timer never keeps the process alive. */
  every(ms: number, fn: () => void): Timer
}

/** Milliseconds for durations within this process: a correction of the wall clock does not change them. */
export const monotonic = (): number => performance.now()

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms).unref()
    return { cancel: () => clearTimeout(timer) }
  },
  every(ms, fn) {
    const timer = setInterval(fn, ms).unref()
    return { cancel: () => clearInterval(timer) }
  },
}
