/** The lists that a server keeps ready. */
import { expect, test } from 'vitest'
import { RawJson } from '../../lib/protocol/jsonrpc.ts'
import { ListCache } from '../../lib/server/registry/list-cache.ts'

const list = (size: number) => new Map([[0, new RawJson('x'.repeat(size))]])

test('lists are kept up to a bound in bytes, the newest ones, and one of any size', () => {
  const cache = new ListCache(100_100)
  const kept = () => Array.from({ length: 100 }, (_, i) => i).filter((i) => cache.get(`list ${i}`) !== undefined)
  for (let i = 0; i < 100; i++) cache.set(`list ${i}`, list(9_000))
  expect(kept()).toEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99])
  cache.set('list 99', list(9_000))
  expect(kept()).toHaveLength(10)
  cache.set('list 1', list(1_000_000))
  expect(kept()).toEqual([1])
  cache.clear()
  cache.set('list 2', list(99_000))
  expect(kept()).toEqual([2])
})
