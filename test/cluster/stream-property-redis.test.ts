import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { Store } from '../../lib/store/store.ts'
import { redisOfFile } from '../support/file-redis.ts'
import { checkStreamRule } from './stream-property.ts'

const redis = redisOfFile()
let store: Store
beforeAll(() => {
  store = redisStore(redis.server.url)
})
afterAll(() => store.close())

test('a client receives the log in order, each message once, or an explicit error (Redis)', async () => {
  // All simulated calls share one store, since each has a session of its own.
  await expect(checkStreamRule(() => store, 100)).resolves.toBeUndefined()
}, 60_000)
