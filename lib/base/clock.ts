/** The clock. Code that reads the time or waits takes a clock as a parameter, so that a test can control the time. */
import { jitter } from './ids.ts'

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds since a moment in the past that differs for each process. They never go back: for durations. */
  now(): number
  /**
   * Milliseconds since 1970. The wall clock may be wrong, and jumps when it is set: only for times that other machines
   * wrote or read, with {@link WALL_TOLERANCE}.
   */
  wall(): number
  /** Runs `fn` once after `ms`. The timer never keeps the process alive. */
  after(ms: number, fn: () => void): Timer
  /** Runs `fn` every `ms`. The timer never keeps the process alive. */
  every(ms: number, fn: () => void): Timer
}

/** How far two wall clocks may be apart, in either direction, in ms. */
export const WALL_TOLERANCE = 60_000

let slept = 0

/**
 * Moves {@link systemClock} on by a time for which this process was frozen and Node's monotonic clock stood still. The clock
 * never goes back.
 */
export function moveOn(ms: number): void {
  slept += Math.max(0, ms)
}

/** Resolves after `ms` of this clock. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve))
}

/** Timers are objects on Node, and numbers on platforms where they keep nothing alive. */
function unref(timer: { unref?(): unknown } | number): void {
  if (typeof timer === 'object') timer.unref?.()
}

export const systemClock: Clock = {
  now: () => performance.now() + slept,
  wall: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms)
    unref(timer)
    return { cancel: () => clearTimeout(timer) }
  },
  every(ms, fn) {
    const timer = setInterval(fn, ms)
    unref(timer)
    return { cancel: () => clearInterval(timer) }
  },
}

/** As {@link Clock.every}, from a random moment within `ms` on: the instances of a fleet begin at the same time. */
export function everySpread(clock: Clock, ms: number, fn: () => void): Timer {
  let timer = clock.after(jitter(ms), () => {
    timer = clock.every(ms, fn)
    fn()
  })
  return { cancel: () => timer.cancel() }
}
