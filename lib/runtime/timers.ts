/** Timers that end a response at a moment that others set. */
import type { Clock, Timer } from '../base/clock.ts'

/** In ms, 24 days: Node runs a longer timer at once. */
export const LONGEST_TIMER = 2 ** 31 - 1

/**
 * Runs `end` before the platform cuts a response off: `margin` ms before the deadline (by the clock's `now`). Where little time
 * is left, the margin is the part `share` of it.
 */
export function before(
  clock: Clock,
  deadline: number | undefined,
  margin: number,
  share: number,
  end: () => void,
): Timer | undefined {
  if (deadline === undefined) return undefined
  const left = Math.max(0, deadline - clock.now())
  return clock.after(left - Math.min(margin, left * share), end)
}

/** Runs `end` at a moment of the wall clock (the expiry of a token), unless that is further away than any timer reaches. */
export function at(clock: Clock, moment: number | undefined, end: () => void): Timer | undefined {
  if (moment === undefined) return undefined
  const left = Math.max(0, moment - clock.wall())
  return left > LONGEST_TIMER ? undefined : clock.after(left, end)
}
