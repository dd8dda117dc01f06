/** A longer run of the nemesis than that of `npm test`. */
import { expect, test } from 'vitest'
import { countDurable } from '../../nemesis/check/counts.ts'
import { expectPromisesKept, resultsOf, SEED } from '../../nemesis/expect-promises.ts'
import { runNemesis } from '../../nemesis/nemesis.ts'
import { copyWithout, DURABLE_GUARDS, PROTECTIONS, type Protection, TASK_GUARDS } from '../../nemesis/protections.ts'

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
    calls: 'durable',
    mix: { gap: 1_500 },
  })
  const counts = countDurable(history)
  const { calls, suspended } = counts
  expect(calls).toBeGreaterThan(100)
  expect(suspended).toBeGreaterThan(20)
  expect(counts).toMatchObject({ twice: 0, singleTwice: 0, lost: 0, hung: 0, open: 0 })
  expect(counts['without a session']).toBeGreaterThan(0)
}, 300_000)

test.each([...DURABLE_GUARDS, ...TASK_GUARDS])(
  'a source without the protection "%s" is found',
  async (name) => {
    const { faults, calls, gap = 2_000, tasks }: Protection = PROTECTIONS[name]
    const copy = copyWithout(name)
    try {
      const { problems } = await runNemesis({
        seed: SEED,
        // Most are found within half a minute, and the run ends with the first problem.
        length: 240_000,
        clients: 40,
        rate: 24,
        calls: calls ?? 'all',
        tasks,
        ...(tasks === undefined && { revision: '2025-11-25' }),
        mix: { gap, only: faults },
        root: copy.root,
        stopAtFirst: true,
      })
      expect(problems.length).toBeGreaterThan(0)
    } finally {
      copy.remove()
    }
  },
  400_000,
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
