import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisStore } from '../../../lib/store/redis/index.ts'
import type { Store } from '../../../lib/store/store.ts'
import { redisOfFile } from '../../support/file-redis.ts'
import { checkEngine } from './engine-property.ts'

const redis = redisOfFile()
let store: Store
beforeAll(() => {
  store = redisStore(redis.server.url)
})
afterAll(() => store.close())

test('a durable call ends once, keeps its effects and its messages, and sees one answer, in whichever order (Redis)', async () => {
  // Deadlines are those of Redis' clock: none passes here.
  await expect(checkEngine(() => store, { numRuns: 8, seed: 19 })).resolves.toBeUndefined()
}, 120_000)
