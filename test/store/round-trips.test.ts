/** How many round trips a new instance waits for before its first answer, counted at a distance from Redis. */
import { afterEach, expect, test } from 'vitest'
import { redisStore } from '../../lib/store/redis/index.ts'
import {
  type DistantRedis,
  distantCluster,
  distantSentinel,
  distantServer,
  distantTlsServer,
} from '../support/distant-redis.ts'
import { firstAnswer } from '../support/first-answer.ts'
import { MINUTE, newKey } from './contract/support.ts'

let redis: DistantRedis | undefined
afterEach(async () => {
  await redis?.stop()
  redis = undefined
})

test.each<[name: string, most: number, start: () => Promise<DistantRedis>]>([
  ['a server with a password', 1, () => distantServer()],
  ['a database of its own', 2, () => distantServer('/3')],
  ['a server with TLS', 1, distantTlsServer],
  ['a cluster', 2, () => distantCluster('redis+cluster')],
  ['a cluster that is found', 3, () => distantCluster('redis')],
  ['a cluster with TLS', 2, () => distantCluster('rediss+cluster')],
  ['what a Sentinel names', 4, distantSentinel],
])('%s: at most %i for initialize and for a call in a session', async (_name, most, start) => {
  redis = await start()
  const opened = await firstAnswer(redis)
  expect(opened.status).toBe(200)
  expect(opened.trips).toBeGreaterThan(0)
  expect(opened.trips).toBeLessThanOrEqual(most)
  const called = await firstAnswer(redis, opened.session)
  expect(called.status).toBe(200)
  expect(called.trips).toBeLessThanOrEqual(most)
})

test('a session that counts for its user takes one more', async () => {
  redis = await distantServer()
  const { distance, options } = redis
  // The code is loaded, as in an instance that has started before it is connected.
  await import('../../lib/store/redis/more.ts')
  const store = redisStore({ ...options, commandTimeout: 10_000 })
  store.open?.()
  store.serve?.('far')
  expect(await store.createSession(newKey(), 'r', MINUTE, { id: 'p', max: 3 })).toEqual({ status: 'ok' })
  expect(distance.trips).toBe(2)
  await store.close()
})
