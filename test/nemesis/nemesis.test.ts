/** A short run of the nemesis, and that each protection can be taken out for a long one. `test/more/nemesis` has a longer run. */
import { expect, test } from 'vitest'
import { countTasks } from './check/count-tasks.ts'
import { countDurable } from './check/counts.ts'
import { expectPromisesKept, resultsOf, SEED } from './expect-promises.ts'
import { planFaults } from './faults.ts'
import { LIMITS, runNemesis } from './nemesis.ts'
import { copyWithout, PROTECTIONS, type ProtectionName, sourceWithout } from './protections.ts'

test('no fault below it makes the endpoint break a promise', async () => {
  const history = await expectPromisesKept({
    length: 8_000,
    clients: 60,
    rate: 25,
    mix: { gap: 700 },
    tasks: 0.25,
  })
  expect(history.faults.length).toBeGreaterThan(5)
  expect(resultsOf(history)).toBeGreaterThan(15)
  expect(countDurable(history).calls).toBeGreaterThan(3)
  const { session, stateless } = countTasks(history)
  expect(session).toBeGreaterThan(3)
  expect(stateless).toBeGreaterThan(0)
}, 120_000)

test('the seed decides the schedule of the faults', () => {
  const plan = (seed: number) => planFaults(seed, 600_000, LIMITS.lease, { gap: 1_500 })
  expect(plan(1)).toEqual(plan(1))
  expect(plan(1)).not.toEqual(plan(2))
  expect(new Set(plan(1).map(({ kind }) => kind)).size).toBe(17)
})

test.each(Object.keys(PROTECTIONS) as ProtectionName[])(
  'the source without the protection "%s" can be made',
  (name) => {
    expect(sourceWithout(name)).not.toBe('')
  },
)

test('a copy without a protection has all that its instances import', async () => {
  const copy = copyWithout('fence')
  try {
    const { history } = await runNemesis({
      seed: SEED,
      length: 4_000,
      clients: 3,
      rate: 10,
      mix: { gap: 60_000 },
      root: copy.root,
    })
    expect(history.calls.length).toBeGreaterThan(0)
  } finally {
    copy.remove()
  }
}, 120_000)
