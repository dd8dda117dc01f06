import { expect } from 'vitest'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { StoreOptions } from '../../lib/store/store.ts'
import { redisOfFile } from '../support/file-redis.ts'
import { storeContract } from './contract/index.ts'

const redis = redisOfFile()

async function makeStore(options?: StoreOptions) {
  await redis.admin.flushall()
  return redisStore({ ...options, url: redis.server.url })
}

async function everyKeyHasALifetime() {
  for (const key of await redis.admin.keys('*'))
    expect(await redis.admin.pttl(key), `${key} lives for ever`).not.toBe(-1)
}

storeContract(makeStore, { name: 'the store in Redis', afterEachOperation: everyKeyHasALifetime })
