import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { RedisCluster } from '../support/redis.ts'
import { startCluster } from '../support/redis.ts'
import { storeContract } from './contract.ts'
import { checked } from './support.ts'

let cluster: RedisCluster
let nodes: Redis[]

beforeAll(async () => {
  cluster = await startCluster()
  nodes = cluster.nodes.map(({ url }) => new Redis(url))
})

afterAll(async () => {
  for (const node of nodes) node.disconnect()
  await cluster.stop()
})

storeContract('a Redis cluster', async (options) => {
  await Promise.all(nodes.map((node) => node.flushall()))
  return checked(redisStore({ ...options, cluster: cluster.urls.slice(0, 1) }), async () => {
    for (const node of nodes) {
      for (const key of await node.keys('*')) expect(await node.pttl(key), `${key} lives for ever`).not.toBe(-1)
    }
  })
})

describe('a store in a cluster', () => {
  test('takes a list of addresses in one text, and uses every node', async () => {
    await Promise.all(nodes.map((node) => node.flushall()))
    const store = redisStore(cluster.urls.join(','))
    for (let i = 0; i < 50; i++) await store.createSession(`key${i}`, 'r', 60_000)
    const sizes = await Promise.all(nodes.map((node) => node.dbsize()))
    expect(Math.min(...sizes)).toBeGreaterThan(0)
    await store.close()
  })
})
