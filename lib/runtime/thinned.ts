/** A store that is away is met by thousands of streams at once: its failure is reported once for all of them. */
import type { Clock } from '../base/clock.ts'
import { type StoreTrouble, StoreUnavailable } from '../store/unavailable.ts'

/** From one report of the same trouble to the next, in ms. */
const QUIET = 10_000

/** `report`, which gets failures of the store once in {@link QUIET} ms for each trouble, and everything else. */
export function thinned(report: (error: unknown) => void, clock: Clock): (error: unknown) => void {
  const reported = new Map<StoreTrouble, number>()
  return (error) => {
    if (error instanceof StoreUnavailable) {
      const now = clock.now()
      const before = reported.get(error.trouble)
      if (before !== undefined && now - before < QUIET) return
      reported.set(error.trouble, now)
    }
    report(error)
  }
}
