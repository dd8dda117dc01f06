import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { Store } from '../../lib/store/store.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { checkStreamRule } from './stream-property.ts'

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

test('a client receives the log in order, each message once, or an explicit error (Redis)', async () => {
  // All simulated calls share one store, since each has a session of its own.
  await expect(checkStreamRule(() => store, 100)).resolves.toBeUndefined()
}, 60_000)
