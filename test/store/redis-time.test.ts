/** The time of Redis, as a process knows it between replies and over sleeps. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RedisTime } from '../../lib/store/redis/time.ts'

const MINUTE = 60_000
const T = 1_700_000_000_000
let time: RedisTime

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
  time = new RedisTime()
})
afterEach(() => void vi.useRealTimers())

test('is unknown before the first reply', () => {
  expect(time.isWithin(1e15, T)).toBe(false)
})

test('goes on with the clock of the process, for longer than a minute', () => {
  time.heard(T)
  vi.advanceTimersByTime(10 * MINUTE)
  expect(time.isWithin(11 * MINUTE, T)).toBe(true)
  expect(time.isWithin(9 * MINUTE, T)).toBe(false)
  expect(time.isWithin(MINUTE, T + 20 * MINUTE)).toBe(false)
})

test('is less certain the longer ago the reply was', () => {
  time.heard(T)
  vi.advanceTimersByTime(1_000 * MINUTE)
  expect(time.isWithin(30_000, T + 1_000 * MINUTE)).toBe(false)
  expect(time.isWithin(2 * MINUTE, T + 1_000 * MINUTE)).toBe(true)
})

test('may have gone on by each sleep, or not, until the next reply', () => {
  time.heard(T)
  for (let i = 0; i < 5; i++) time.slept(MINUTE)
  expect(time.isWithin(6 * MINUTE, T)).toBe(true)
  expect(time.isWithin(4 * MINUTE, T)).toBe(false)
  expect(time.isWithin(4 * MINUTE, T + 5 * MINUTE)).toBe(false)
  time.heard(T + 5 * MINUTE)
  expect(time.isWithin(1, T + 5 * MINUTE)).toBe(true)
})
