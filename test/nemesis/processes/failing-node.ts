/** A server of Redis that is written to its file before each reply, so that a kill of the process alone loses nothing. */
import { Redis } from 'ioredis'
import type { RedisServer } from '../../support/redis.ts'

/** The kernel keeps what was written. With `everysec` a write waits for up to two seconds while the disk is busy, after its reply. */
export const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'no', '--repl-diskless-sync-delay', '0']

export interface Node {
  redis: RedisServer
  /** Past all faults. */
  client: Redis
}

export function nodeOf(redis: RedisServer): Node {
  const client = new Redis(redis.url, { maxRetriesPerRequest: null, retryStrategy: () => 50 })
  client.on('error', () => {})
  return { redis, client }
}

export async function keysOf({ client }: Node): Promise<{ key: string; lifetime: number }[]> {
  const keys = await client.keys('*')
  return Promise.all(keys.map(async (key) => ({ key, lifetime: await client.pttl(key) })))
}

export async function stopNode({ client, redis }: Node): Promise<void> {
  client.disconnect()
  redis.resume()
  await redis.stop()
}
