/** Hostile inputs of every kind: no 5xx, no stack, no secret of others, no long answer to a short request, little CPU time. */
import { expect, test } from 'vitest'
import { memoryStore } from '../../../lib/store/memory/index.ts'
import { redisStore } from '../../../lib/store/redis/index.ts'
import { startRedis } from '../../support/redis.ts'
import { inputOf } from './inputs.ts'
import { Random } from './random.ts'
import { type Report, run } from './run.ts'
import { Target } from './target.ts'

const SEED = 1

function expectNothing(report: Report): void {
  expect(report.faults).toEqual([])
  expect(report.errors).toEqual([])
  expect(report.foreignIsWhole).toBe(true)
  expect(report.left).toBe(0)
  // The inputs of each kind that is for valid requests, too, reach the methods.
  for (const kind of ['message', 'batch', 'arguments', 'state', 'cursor', 'get']) {
    expect(report.statuses[kind]?.[200], kind).toBeGreaterThan(0)
  }
}

test('2,500 inputs to an endpoint with a store in memory', async () => {
  expectNothing(await run({ seed: SEED, inputs: 2_500, store: () => memoryStore() }))
})

test('500 inputs to an endpoint with Redis', async () => {
  const redis = await startRedis()
  try {
    expectNothing(await run({ seed: SEED, from: 2_500, inputs: 500, store: () => redisStore(redis.url) }))
  } finally {
    await redis.stop()
  }
})

test('an input is the same for the same seed and number', async () => {
  const { material } = await Target.create(() => memoryStore())
  const made = (index: number) => inputOf(new Random(SEED, index), material)
  for (let index = 0; index < 200; index++) expect(made(index)).toEqual(made(index))
})
