import { expect, it } from 'vitest'
import { compareLevels, isLoggingLevel, LOGGING_LEVELS } from '../../lib/protocol/types.ts'

it('orders the log levels by severity', () => {
  expect([...LOGGING_LEVELS].sort(compareLevels)).toEqual(LOGGING_LEVELS)
  expect(compareLevels('error', 'warning')).toBeGreaterThan(0)
  expect(compareLevels('debug', 'info')).toBeLessThan(0)
  expect(compareLevels('info', 'info')).toBe(0)
})

it('knows a log level from anything else', () => {
  expect(isLoggingLevel('notice')).toBe(true)
  expect(isLoggingLevel('loud')).toBe(false)
  expect(isLoggingLevel(3)).toBe(false)
})
