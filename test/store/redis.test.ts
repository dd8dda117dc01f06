import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect } from 'vitest'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { StoreOptions } from '../../lib/store/store.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { storeContract } from './contract/index.ts'

let server: RedisServer
let admin: Redis

beforeAll(async () => {
  server = await startRedis()
  admin = new Redis(server.url)
})

afterAll(async () => {
  admin.disconnect()
  await server.stop()
})

async function makeStore(options?: StoreOptions) {
  await admin.flushall()
  return redisStore({ ...options, url: server.url })
}

async function everyKeyHasALifetime() {
  for (const key of await admin.keys('*')) expect(await admin.pttl(key), `${key} lives for ever`).not.toBe(-1)
}

storeContract(makeStore, { name: 'the store in Redis', afterEachOperation: everyKeyHasALifetime })
