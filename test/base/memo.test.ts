import { expect, test } from 'vitest'
import { memoize, memoizeByObject } from '../../lib/base/memo.ts'

test('keeps the results for the texts that were asked for last, and not for ever more texts', () => {
  const made: string[] = []
  const twice = memoize((text) => {
    made.push(text)
    return text + text
  }, 3)
  const ask = (texts: string) => [...texts].map(twice)
  expect(ask('abcabc')).toEqual(['aa', 'bb', 'cc', 'aa', 'bb', 'cc'])
  expect(made.splice(0)).toEqual(['a', 'b', 'c'])
  // What is asked for stays, however many others come.
  ask('adaeafagahai')
  expect(made.splice(0).join('')).toBe('defghi')
  // What is not asked for goes.
  ask('b')
  expect(made.splice(0)).toEqual(['b'])
  // Nobody can have long ones kept.
  const long = 'x'.repeat(1_000)
  expect([twice(long), twice(long)].map(({ length }) => length)).toEqual([2_000, 2_000])
  expect(made).toEqual([long, long])
})

test('makes one result for each object', () => {
  const made: object[] = []
  const wrapped = memoizeByObject((value: object) => {
    made.push(value)
    return { value }
  })
  const [a, b] = [{}, {}]
  expect(wrapped(a)).toBe(wrapped(a))
  expect(wrapped(b)).toEqual({ value: b })
  expect(made).toEqual([a, b])
})
