import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { Store } from '../../lib/store/store.ts'
import type { RedisServer } from '../support/redis.ts'
import { startRedis } from '../support/redis.ts'
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

test('what a client receives is the log, in order, each message once, or an explicit error (Redis)', async () => {
  // One store serves all plays: sessions have keys of their own.
  await expect(checkStreamRule(() => store, 100)).resolves.toBeUndefined()
}, 60_000)
