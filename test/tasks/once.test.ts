/** `ctx.once` in a task whose store fails: the outcome of the task is never that of the store. */
import { expect, test } from 'vitest'
import { AskPending } from '../../lib/server/context/errors.ts'
import { StoreUnavailable } from '../../lib/store/store.ts'
import type { TaskKeep } from '../../lib/store/tasks.ts'
import type { LegStore } from '../../lib/tasks/leg-store.ts'
import { TaskOnce } from '../../lib/tasks/task-once.ts'

/** Steps of a run whose store takes none of these. */
function stepsWithout(...failing: string[]) {
  const lost: string[] = []
  const keep = async ({ step }: NonNullable<TaskKeep['once']>) => {
    if (failing.includes(step)) throw new StoreUnavailable('The store did not answer; try again.')
    return { status: 'ok' as const, watchers: [] }
  }
  const once = new TaskOnce({
    store: { holds: !failing.includes('renew'), keep } as unknown as LegStore,
    results: new Map(),
    isClosed: () => lost.length > 0,
    renew: async () => !failing.includes('renew'),
    lost: (name, status) => {
      lost.push(status)
      return new AskPending(name)
    },
  })
  return { once, lost }
}

test.each([
  ['end', false],
  ['end', true],
  ['begin', true],
  // Its lease is over by its own clock.
  ['renew', false],
] as const)('a run whose store does not take the step "%s" is lost, and another goes on', async (step, single) => {
  const { once, lost } = stepsWithout(step)
  let runs = 0
  await expect(once.run('charge', () => ++runs, single)).rejects.toThrow(AskPending)
  expect(lost).toEqual(['lost'])
  expect(runs).toBe(step === 'end' ? 1 : 0)
  await expect(once.run('mail', () => ++runs, false)).rejects.toThrow(AskPending)
  expect(runs).toBeLessThan(2)
})

test('a step is done once in a run, and its error is that of its function', async () => {
  const { once, lost } = stepsWithout('fail')
  let runs = 0
  expect([await once.run('charge', () => ++runs, false), await once.run('charge', () => ++runs, false)]).toEqual([1, 1])
  const fails = () => {
    throw new Error('declined')
  }
  await expect(once.run('pay', fails, true)).rejects.toThrow('declined')
  expect(lost).toEqual([])
})
