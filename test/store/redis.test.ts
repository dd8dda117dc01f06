import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect } from 'vitest'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { RedisServer } from '../support/redis.ts'
import { startRedis } from '../support/redis.ts'
import { storeContract } from './contract.ts'
import { checked } from './support.ts'

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

storeContract('Redis', async (options) => {
  await admin.flushall()
  return checked(redisStore({ ...options, url: server.url }), async () => {
    for (const key of await admin.keys('*')) expect(await admin.pttl(key), `${key} lives for ever`).not.toBe(-1)
  })
})
