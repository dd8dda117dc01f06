/** Times that one commit wrote and the other reads, with wall clocks of the new instances that are wrong. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { Fleet } from '../support/fleet.ts'
import { call, initialize, request, toolCall } from '../support/raw.ts'
import { DIRECTIONS, startMixed, textOf } from './mixed.ts'

const HOUR = 3_600_000
let fleet: Fleet
let redis: Redis

beforeAll(async () => {
  fleet = await startMixed()
  redis = new Redis(fleet.redis.url)
})
afterAll(async () => {
  redis.disconnect()
  await fleet.stop()
})

describe.each(DIRECTIONS)('$direction', ({ from, to, back, also }) => {
  // Instances of the earlier commit end sessions by their wall clock: theirs are right here.
  test.each([0, -HOUR, 20 * 24 * HOUR])('a session goes on where new instances are off by %d ms', async (ms) => {
    for (const at of [1, 3]) await fleet.instances[at]?.setWall(ms)
    const session = await initialize(fleet.at(from))
    for (const [i, at] of [to, from, also, back, to].entries()) {
      expect(textOf(await call(fleet.at(at), session, toolCall(i, 'count_session')))).toBe(String(i + 1))
    }
    for (const at of [1, 3]) await fleet.instances[at]?.setWall(0)
    for (const at of [from, to]) expect((await call(fleet.at(at), session, request(at, 'ping'))).result).toEqual({})
  })
})

test('the end of a session of the earlier commit is in the store after its first request to this one', async ({
  skip,
}) => {
  const before = new Set(await redis.keys('mcp:{*}'))
  const session = await initialize(fleet.at(0))
  const [key = ''] = (await redis.keys('mcp:{*}')).filter((name) => /^mcp:\{[^}]+\}$/.test(name) && !before.has(name))
  skip((await redis.hget(key, 'end')) !== null, 'The earlier commit writes it itself.')
  await call(fleet.at(1), session, request(1, 'ping'))
  const end = await eventually(async () => (await redis.hget(key, 'end')) ?? undefined)
  expect(Number(end)).toBeGreaterThan(Number((await redis.time())[0]) * 1_000 + 30 * 24 * HOUR)
})

test('instances of the earlier commit, which claim no prefix, run beside those that do', async () => {
  expect(await redis.hkeys('mcp:server')).toEqual(['name'])
  const fresh = await fleet.restart(0)
  const session = await initialize(`${fresh.url}/mcp`)
  expect((await call(fleet.at(1), session, request(1, 'ping'))).result).toEqual({})
})
