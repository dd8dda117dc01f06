/** A Redis for the tests of a file, with a connection of their own beside the stores. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll } from 'vitest'
import { type RedisServer, startRedis } from './redis.ts'

export interface FileRedis {
  server: RedisServer
  admin: Redis
}

/** Starts it before the tests of the file, and stops it after them. Its members are there from then on. */
export function redisOfFile(): FileRedis {
  const redis = {} as FileRedis
  beforeAll(async () => {
    redis.server = await startRedis()
    redis.admin = new Redis(redis.server.url)
  })
  afterAll(async () => {
    redis.admin.disconnect()
    await redis.server.stop()
  })
  return redis
}
