import { expect, it } from 'vitest'
import { compareLevels, isLoggingLevel, LOGGING_LEVELS, readImplementation } from '../../lib/protocol/types.ts'

it('orders the log levels by severity', () => {
  expect([...LOGGING_LEVELS].sort(compareLevels)).toEqual(LOGGING_LEVELS)
  expect(compareLevels('error', 'warning')).toBeGreaterThan(0)
  expect(compareLevels('debug', 'info')).toBeLessThan(0)
  expect(compareLevels('info', 'info')).toBe(0)
})

it('tells a log level from other values', () => {
  expect(isLoggingLevel('notice')).toBe(true)
  expect(isLoggingLevel('loud')).toBe(false)
  expect(isLoggingLevel(3)).toBe(false)
})

it('reads the info of a client with all of its members; a name or version that is no text is empty', () => {
  const info = { name: 'a', version: '1', title: 'A', 'example.com/more': 1 }
  expect(readImplementation(info)).toEqual(info)
  expect(readImplementation({ name: 'a' })).toEqual({ name: 'a', version: '' })
  expect(readImplementation({ name: 1, version: '1' })).toEqual({ name: '', version: '1' })
  for (const value of [undefined, null, 'a', []]) expect(readImplementation(value)).toBeUndefined()
})
