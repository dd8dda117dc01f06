/**
 * Loaded into a process before everything else (`--import`): its wall clock is off by as many ms as the last message of its
 * parent said, and each message is answered. Monotonic time and timers are as always.
 */
import { shiftDate } from './shifted-date.ts'

const setShift = shiftDate()
process.on('message', (message) => {
  if (typeof message !== 'number') return
  setShift(message)
  process.send?.(message)
})
process.channel?.unref()
