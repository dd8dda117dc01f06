/** A longer run of the nemesis than that of `npm test`. */
import { expect, test } from 'vitest'
import { expectPromisesKept, resultsOf } from '../../nemesis/expect-promises.ts'

test('no fault below it makes the endpoint break a promise', async () => {
  const history = await expectPromisesKept({
    length: 40_000,
    clients: 60,
    rate: 25,
    mix: { gap: 1_200 },
  })
  expect(history.faults.length).toBeGreaterThan(5)
  expect(resultsOf(history)).toBeGreaterThan(50)
}, 300_000)

test.each(['cluster', 'sentinel'] as const)(
  'a %s that fails over by itself loses no session that Redis kept',
  async (redis) => {
    const history = await expectPromisesKept({
      redis,
      length: 25_000,
      clients: 40,
      rate: 20,
      mix: { gap: 2_500, only: ['redis failover', 'redis kill', 'redis pause', 'kill', 'cut store'] },
    })
    expect(history.faults.some(({ kind, lost }) => kind === 'redis failover' && lost !== undefined)).toBe(true)
    expect(resultsOf(history)).toBeGreaterThan(50)
  },
  300_000,
)
