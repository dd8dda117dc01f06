/**
 * Replaces the wall clock of this process. The returned function sets by how many ms it is off. Monotonic time and timers
 * are as always.
 */
export function shiftDate(): (ms: number) => void {
  const RealDate = Date
  let shift = 0

  class ShiftedDate extends RealDate {
    constructor(...given: unknown[]) {
      if (given.length === 0) super(RealDate.now() + shift)
      else super(...(given as [number]))
    }

    static override now(): number {
      return RealDate.now() + shift
    }
  }

  globalThis.Date = ShiftedDate as DateConstructor
  return (ms) => {
    shift = ms
  }
}
