/**
 * Loaded before everything else in an instance: its wall clock is off by the ms in the file SHIFT_FILE, which is read at
 * the start and at each SIGUSR2. Monotonic time and timers are as always.
 */
import { readFileSync } from 'node:fs'

const file = process.env.SHIFT_FILE
const RealDate = Date
let shift = 0

function read(): void {
  try {
    shift = file ? Number(readFileSync(file, 'utf8')) || 0 : 0
  } catch {
    shift = 0
  }
}

class ShiftedDate extends RealDate {
  constructor(...given: unknown[]) {
    if (given.length === 0) super(RealDate.now() + shift)
    else super(...(given as [number]))
  }

  static override now(): number {
    return RealDate.now() + shift
  }
}

read()
process.on('SIGUSR2', read)
globalThis.Date = ShiftedDate as DateConstructor
