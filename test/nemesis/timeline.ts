/**
 * The time of a run: ms since it began, by the monotonic clock that all processes of a machine share. Wall clocks are
 * moved by the run itself.
 */

export type Timeline = () => number

/** The monotonic clock now, in ms: the origin of a new timeline. */
export const monotonicNow = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000

export function timelineFrom(origin: number): Timeline {
  return () => Math.round((monotonicNow() - origin) * 10) / 10
}
