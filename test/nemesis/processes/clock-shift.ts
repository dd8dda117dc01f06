/**
 * Loaded before everything else in an instance: its wall clock is off by the ms in the file SHIFT_FILE, which is read at
 * the start and at each SIGUSR2. Monotonic time and timers are as always.
 */
import { readFileSync } from 'node:fs'
import { shiftDate } from '../../support/shifted-date.ts'

const file = process.env.SHIFT_FILE
const setShift = shiftDate()

function read(): void {
  try {
    setShift(file ? Number(readFileSync(file, 'utf8')) || 0 : 0)
  } catch {
    setShift(0)
  }
}

read()
process.on('SIGUSR2', read)
