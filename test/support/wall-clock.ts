/**
 * Loaded into a process before everything else (`--import`): its wall clock is off by as many ms as the last message of its
 * parent said, and each message is answered. Monotonic time and timers are as always.
 */
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
process.on('message', (message) => {
  if (typeof message !== 'number') return
  shift = message
  process.send?.(shift)
})
process.channel?.unref()
