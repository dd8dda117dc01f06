import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { redisStore } from '../../lib/store/redis/index.ts'
import { type StoreOptions, StoreUnavailable } from '../../lib/store/store.ts'
import { type RedisCluster, startCluster } from '../support/redis.ts'
import { storeContract } from './contract/index.ts'
import { Inbox, newKey, until } from './contract/support.ts'

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

async function makeStore(options?: StoreOptions) {
  await Promise.all(nodes.map((node) => node.flushall()))
  return redisStore({ ...options, cluster: cluster.urls.slice(0, 1) })
}

async function everyKeyHasALifetime() {
  for (const node of nodes) {
    for (const key of await node.keys('*')) expect(await node.pttl(key), `${key} lives for ever`).not.toBe(-1)
  }
}

storeContract(makeStore, { name: 'the store in a Redis cluster', afterEachOperation: everyKeyHasALifetime })

describe('a store in a cluster', () => {
  test('takes a list of addresses in one text, and uses every node', async () => {
    await Promise.all(nodes.map((node) => node.flushall()))
    const store = redisStore(cluster.urls.join(','))
    for (let i = 0; i < 50; i++) await store.createSession(`key${i}`, 'r', 60_000)
    const sizes = await Promise.all(nodes.map((node) => node.dbsize()))
    expect(Math.min(...sizes)).toBeGreaterThan(0)
    await store.close()
  })

  test('sends the heartbeats of one moment in few writes to each node, and a failing session fails alone', async () => {
    const store = redisStore({ cluster: cluster.urls })
    const all = Array.from({ length: 180 }, (_, i) => `beat${i}`)
    await Promise.all(all.map((key) => store.createSession(key, 'r', 60_000)))
    await Promise.all(all.map((key) => store.take(key, 'get', 'i1:c1', undefined)))
    const damaged = Promise.any(nodes.map((node) => node.set('mcp:{beat5}:live', 'no hash', 'PX', 60_000)))
    expect(await damaged).toBe('OK')
    const reads = async () => {
      const stats = await Promise.all(nodes.map((node) => node.info('stats')))
      return stats.reduce((sum, text) => sum + Number(/total_reads_processed:(\d+)/.exec(text)?.[1]), 0)
    }
    const look = (key: string) => store.look(key, 'get', 'i1:c1', { n: 0, tag: '' }, 600_000)
    // Each node gets the script in full once.
    await Promise.allSettled(all.map(look))
    const before = await reads()
    const found = await Promise.allSettled(all.map(look))
    // A write of sixty commands is more than Redis reads at once. The questions of this test are reads as well.
    expect((await reads()) - before).toBeLessThan(all.length / 4)
    expect(found.flatMap((one, i) => (one.status === 'rejected' ? all[i] : []))).toEqual(['beat5'])
    for (const key of all) expect(await store.readSession(key, undefined)).toBeDefined()
    await store.close()
  })

  test('goes on after its connections were cut, and its receivers get resumed', async () => {
    const store = redisStore({ cluster: cluster.urls })
    const inbox = new Inbox<string>()
    await store.receive('i1', { mail: inbox.add, change: () => {}, resumed: () => inbox.add('resumed') })
    const all = Array.from({ length: 30 }, (_, i) => `cut${i}`)
    await Promise.all(all.map((key) => store.createSession(key, 'r', 60_000)))
    await Promise.all(nodes.map((node) => node.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')))
    await inbox.have(1)
    const read = await Promise.all(all.map((key) => store.readSession(key, 60_000)))
    expect(read).toMatchObject(all.map(() => ({ record: 'r' })))
    await store.send('i1', 'mail')
    expect(await inbox.have(2)).toEqual(['resumed', 'mail'])
    await store.close()
  })

  test('is unavailable while a node is paused, and has lost nothing afterwards', async () => {
    const store = redisStore({ cluster: cluster.urls, commandTimeout: 600 })
    const all = Array.from({ length: 30 }, (_, i) => `paused${i}`)
    await Promise.all(all.map((key) => store.createSession(key, 'r', 60_000)))
    const read = () => Promise.allSettled(all.map((key) => store.readSession(key, 60_000)))
    cluster.nodes[0]?.pause()
    try {
      const failed = (await read()).filter((result) => result.status === 'rejected')
      expect(failed.length).toBeGreaterThan(0)
      for (const { reason } of failed) expect(reason).toBeInstanceOf(StoreUnavailable)
    } finally {
      cluster.nodes[0]?.resume()
    }
    await until(async () => (await read()).every((result) => result.status === 'fulfilled'))
    for (const result of await read()) expect(result).toMatchObject({ value: { record: 'r' } })
    await store.close()
  })

  test('serves again after its nodes were restarted, one after the other', async () => {
    const store = redisStore({ cluster: cluster.urls, commandTimeout: 600, blockTime: 200 })
    const inbox = new Inbox<string>()
    await store.receive('i1', {
      mail: inbox.add,
      change: ({ change }) => inbox.add(change.kind),
      resumed: () => inbox.add('resumed'),
    })
    const works = async () => {
      const keys = Array.from({ length: 30 }, () => newKey())
      const written = await Promise.allSettled(keys.map((key) => store.createSession(key, 'r', 60_000)))
      return written.every((result) => result.status === 'fulfilled')
    }
    for (const [i, node] of cluster.nodes.entries()) {
      await node.kill()
      await node.restart()
      await until(works)
      await store.send('i1', `mail ${i}`)
      await store.publish({ kind: 'updated', uri: `file:///${i}` })
      await until(() => inbox.all.includes(`mail ${i}`))
    }
    await until(() => inbox.all.filter((item) => item === 'updated').length === 3)
    expect(inbox.all).toContain('resumed')
    await store.close()
  })
})
