import { expect, test } from 'vitest'
import { memoize, memoizeByObject } from '../../lib/base/memo.ts'

test('memoize keeps the results for the most recent texts, and for a bounded number of texts', () => {
  const made: string[] = []
  const twice = memoize((text) => {
    made.push(text)
    return text + text
  }, 3)
  const ask = (texts: string) => [...texts].map(twice)
  expect(ask('abcabc')).toEqual(['aa', 'bb', 'cc', 'aa', 'bb', 'cc'])
  expect(made.splice(0)).toEqual(['a', 'b', 'c'])
  // A text that is used again stays, although many others are used.
  ask('adaeafagahai')
  expect(made.splice(0).join('')).toBe('defghi')
  // A text that is not used again is dropped.
  ask('b')
  expect(made.splice(0)).toEqual(['b'])
  // Long texts are not kept.
  const long = 'x'.repeat(1_000)
  expect([twice(long), twice(long)].map(({ length }) => length)).toEqual([2_000, 2_000])
  expect(made).toEqual([long, long])
})

test('memoizeByObject makes one result for each object', () => {
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
