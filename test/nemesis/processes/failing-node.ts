/** A server of Redis that is written to its file before each reply, so that a kill of the process alone loses nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
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

/** `master` with its offset, or `slave` with host, port, state of its link and offset. Undefined: the server does not answer. */
export async function roleOf({ client }: Node): Promise<unknown[] | undefined> {
  if (client.status !== 'ready') return undefined
  const reply = await Promise.race([client.role().catch(() => undefined), sleep(300, undefined)])
  return Array.isArray(reply) ? reply : undefined
}

/**
 * Whether one of the replicas soon has all that the primary had written at the time of this call. WAIT would not say so: it knows
 * what its own connection wrote, and counts a replica that still loads its data.
 */
export async function isFollowed(primary: Node, replicas: readonly Node[]): Promise<boolean> {
  const [name, written] = (await roleOf(primary)) ?? []
  for (let look = 0; name === 'master' && look < 25; look++) {
    const roles = await Promise.all(replicas.map(roleOf))
    if (roles.some((role) => role?.[3] === 'connected' && Number(role[4]) >= Number(written))) return true
    await sleep(20)
  }
  return false
}

export async function stopNode({ client, redis }: Node): Promise<void> {
  client.disconnect()
  redis.resume()
  await redis.stop()
}
