/** Commands of Redis for each step of a durable call; and that a call that neither asks nor is durable costs what it did before there were any. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { measureSteps, type StepCosts } from '../bench/operations/durable.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

let redis: RedisServer
let costs: StepCosts
beforeAll(async () => {
  redis = await startRedis()
  costs = await measureSteps(redis.port)
}, 60_000)
afterAll(() => redis.stop())

describe('before there were durable calls', () => {
  // Counted with the commit before them. Numbers in commands differ by a digit.
  test.each([
    ['short', { hmget: 1 }, 117],
    ['plainAsk', { hmget: 1, evalsha: 3, xinfo: 1 }, 1_692],
    // The keys of the answer have one more: what is suspended.
    ['plainAnswer', { hmget: 1, evalsha: 4, xtrim: 1, unlink: 3 }, 2_632 + 80],
  ] as const)('a call that is not durable cost the same: %s', (name, commands, sent) => {
    expect(costs[name].commands).toEqual(commands)
    expect(costs[name].sent).toBeLessThan(sent + 10)
  })
})

test('a poll of a suspended call that finds nothing takes two commands: the session, and the call', () => {
  expect(costs.poll.commands).toEqual({ hmget: 1, evalsha: 1 })
})

test('`ctx.once` takes one command, and two where it is single', () => {
  expect(costs.once.commands).toEqual({ evalsha: 1 })
  expect(costs.single.commands).toEqual({ evalsha: 2 })
})
