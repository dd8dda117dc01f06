import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisStore } from '../../../lib/store/redis/index.ts'
import type { Store } from '../../../lib/store/store.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { checkEngine } from './engine-property.ts'

let redis: RedisServer
let store: Store

beforeAll(async () => {
  redis = await startRedis()
  store = redisStore(redis.url)
})
afterAll(async () => {
  await store.close()
  await redis.stop()
})

test('a durable call ends once, keeps its effects and its messages, and sees one answer, in whichever order (Redis)', async () => {
  // Deadlines are those of Redis' clock: none passes here.
  await expect(checkEngine(() => store, { numRuns: 8, seed: 19 })).resolves.toBeUndefined()
}, 120_000)
