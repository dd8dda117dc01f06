/** A longer run of the nemesis than that of `npm test`. */
import { expect, test } from 'vitest'
import { countDurable } from '../../nemesis/check/counts.ts'
import { expectPromisesKept, resultsOf, SEED } from '../../nemesis/expect-promises.ts'
import { runNemesis } from '../../nemesis/nemesis.ts'
import { copyWithout, PROTECTIONS } from '../../nemesis/protections.ts'

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

test('durable calls are suspended and run again, and nothing in them happens twice', async () => {
  const history = await expectPromisesKept({
    length: 30_000,
    clients: 40,
    rate: 20,
    revision: '2025-11-25',
    mix: { gap: 1_500 },
  })
  const { calls, suspended } = countDurable(history)
  expect(calls).toBeGreaterThan(20)
  expect(suspended).toBeGreaterThan(5)
}, 300_000)

test.each(['journal', 'asks', 'said'] as const)(
  'a source without the protection "%s" is found',
  async (name) => {
    const copy = copyWithout(name)
    try {
      const { problems } = await runNemesis({
        seed: SEED,
        length: 60_000,
        clients: 40,
        rate: 20,
        revision: '2025-11-25',
        mix: { gap: 3_000, only: PROTECTIONS[name].faults },
        root: copy.root,
        stopAtFirst: true,
      })
      expect(problems.length).toBeGreaterThan(0)
    } finally {
      copy.remove()
    }
  },
  300_000,
)

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
