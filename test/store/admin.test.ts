/** The part of the store in Redis for operators. */
import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { randomId } from '../../lib/base/ids.ts'
import { randomKey } from '../../lib/base/sealing.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { sealedStore } from '../../lib/store/sealed.ts'
import type { AdminStore, Store } from '../../lib/store/store.ts'
import { type RedisServer, startCluster, startRedis } from '../support/redis.ts'
import { MINUTE } from './contract/support.ts'

async function adminOf(store: Store): Promise<AdminStore> {
  const admin = await store.admin?.()
  if (!admin) throw new Error('The store has no part for operators.')
  return admin
}

const newKeys = (n: number) => Array.from({ length: n }, () => randomId(16))

/** Writes sessions, with keys of other kinds among them: each to the node that has its slot. */
async function fill(nodes: Redis[], keys: string[]): Promise<void> {
  const asked = nodes[0]?.pipeline()
  if (nodes.length > 1) for (const key of keys) asked?.cluster('KEYSLOT', key)
  const slots = (await asked?.exec())?.map(([, slot]) => Number(slot)) ?? []
  for (const [i, client] of nodes.entries()) {
    const pipeline = client.pipeline()
    const [from, to] = [i, i + 1].map((n) => Math.floor((n * 16_384) / nodes.length)) as [number, number]
    for (const [k, key] of keys.entries()) {
      const slot = slots[k] ?? 0
      if (slot < from || slot >= to) continue
      pipeline.hset(`mcp:{${key}}`, 'rec', 'r').pexpire(`mcp:{${key}}`, MINUTE)
      pipeline.zadd(`mcp:{${key}}:logs`, 1, 'S').pexpire(`mcp:{${key}}:logs`, MINUTE)
    }
    await pipeline.exec()
  }
}

/** Every key that the pages have, and how many pages there were. */
async function walkAll(admin: AdminStore, limit: number) {
  const found: string[] = []
  let [cursor, pages, largest] = [undefined as string | undefined, 0, 0]
  do {
    const page = await admin.walk('all', cursor, limit)
    if (page.status !== 'ok') throw new Error('The cursor is unknown.')
    found.push(...page.keys)
    largest = Math.max(largest, page.keys.length)
    cursor = page.cursor
    pages++
  } while (cursor !== undefined)
  return { found, pages, largest }
}

describe('with one Redis', () => {
  let server: RedisServer
  let client: Redis
  let store: Store
  let admin: AdminStore

  beforeAll(async () => {
    server = await startRedis()
    client = new Redis(server.url)
    store = redisStore(server.url)
    admin = await adminOf(store)
  })
  beforeEach(async () => void (await client.flushall()))
  afterAll(async () => {
    await store.close()
    client.disconnect()
    await server.stop()
  })

  test('10,000 sessions are walked page by page, each of them found, and KEYS is never sent', async () => {
    const keys = newKeys(10_000)
    await fill([client], keys)
    await client.set('mcp:{bus}:changes:trimmed', '1-0', 'PX', MINUTE)
    await client.hset('other:{AAAAAAAAAAAAAAAAAAAAAA}', 'rec', 'r')
    await client.config('RESETSTAT')
    const { found, pages, largest } = await walkAll(admin, 100)
    expect(new Set(found)).toEqual(new Set(keys))
    expect(pages).toBeGreaterThan(80)
    expect(largest).toBeLessThan(200)
    const stats = await client.info('commandstats')
    expect(stats).toContain('cmdstat_scan')
    expect(stats).not.toContain('cmdstat_keys')
  })

  test('sessions that begin and end during a walk hide no other', async () => {
    const keys = newKeys(1_000)
    await fill([client], keys)
    const found = new Set<string>()
    let cursor: string | undefined
    do {
      const page = await admin.walk('all', cursor, 50)
      if (page.status !== 'ok') throw new Error('The cursor is unknown.')
      for (const key of page.keys) found.add(key)
      cursor = page.cursor
      const more = newKeys(100)
      await fill([client], more)
      await client.unlink(...more.map((key) => `mcp:{${key}}`))
    } while (cursor !== undefined)
    expect(keys.filter((key) => !found.has(key))).toEqual([])
  })

  test('a session is described with its holders and calls; one that does not exist is undefined', async () => {
    const [key = '', quiet = '', none = ''] = newKeys(3)
    await store.createSession(key, 'record', MINUTE)
    await store.createSession(quiet, 'record', MINUTE)
    await store.register(key, { id: 'n:1', stream: 'S', owner: 'i1:run', holder: 'i1:c' })
    await store.register(key, { id: 's:x', stream: 'T', owner: 'i2:run' })
    await store.take(key, 'get', 'i3:c', undefined)
    await store.cancel(key, 's:x')
    const [one, other, missing] = await admin.describe([key, quiet, none])
    expect(one).toMatchObject({ key, record: 'record', bytes: 0, idle: undefined })
    expect(one?.left).toBeGreaterThan(MINUTE - 10_000)
    expect(one?.age).toBeGreaterThanOrEqual(0)
    expect(one?.holders.sort()).toEqual(['i1:c', 'i3:c'])
    expect(one?.calls.sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
      { id: 'n:1', stream: 'S', owner: 'i1:run', holder: 'i1:c', cancelled: false },
      { id: 's:x', stream: 'T', owner: 'i2:run', holder: undefined, cancelled: true },
    ])
    expect(other).toMatchObject({ holders: [], calls: [] })
    const asked = { durable: true, durableAsks: [{ id: 'q', key: 'k', digest: 'd', timeout: MINUTE }] }
    const register = { id: 'n:2', stream: 'U', owner: 'i1:run', request: '{}', durable: true }
    const message = { stream: 'U', owner: 'i1:run', from: 1, messages: ['ask'], tag: 't', final: false }
    await store.append(quiet, { ...message, ...asked, register })
    await store.suspend(quiet, { stream: 'U', owner: 'i1:run', asks: ['q'] })
    expect((await admin.describe([quiet]))[0]?.calls).toEqual([
      { id: 'n:2', stream: 'U', owner: '', holder: undefined, cancelled: false, suspended: true },
    ])
    await store.cancel(quiet, 'n:2')
    expect(missing).toBeUndefined()
    const live = await admin.walk('live', undefined, 10)
    expect(live).toMatchObject({ keys: [key] })
  })

  test('cancelCall cancels the call of a stream, and no other with the same id', async () => {
    const [key = ''] = newKeys(1)
    await store.createSession(key, 'record', MINUTE)
    for (const [stream, owner] of [
      ['A', 'i1:a'],
      ['B', 'i1:b'],
    ] as const) {
      await store.register(key, { id: 'n:1', stream, owner })
    }
    expect(await admin.cancelCall(key, 'B')).toEqual({ status: 'ok', owner: 'i1:b', stream: 'B' })
    expect(await store.lookCall(key, 'A', 'i1:a', [], MINUTE)).toMatchObject({ cancelled: false })
    expect(await store.lookCall(key, 'B', 'i1:b', [], MINUTE)).toMatchObject({ cancelled: true })
    expect(await admin.cancelCall(key, 'C')).toEqual({ status: 'unknown' })
    expect(await admin.cancelCall('none', 'A')).toEqual({ status: 'unknown' })
  })

  test('reports are listed until they expire or are retracted, and every key has a lifetime', async () => {
    await admin.report('a', 'of a', MINUTE)
    await admin.report('b', 'of b', MINUTE)
    await admin.report('short', 'of short', 1)
    await expect.poll(() => client.exists('mcp:{bus}:instance:short')).toBe(0)
    expect((await admin.instances()).map(({ id, facts }) => [id, facts])).toEqual([
      ['a', 'of a'],
      ['b', 'of b'],
    ])
    for (const key of await client.keys('*')) expect(await client.pttl(key), key).toBeGreaterThan(0)
    await admin.retract('a')
    await admin.report('b', 'again', MINUTE)
    expect(await admin.instances()).toMatchObject([{ id: 'b', facts: 'again' }])
    expect(await client.zrange('mcp:{bus}:instances', 0, '-1')).toEqual(['b'])
  })

  test('a report is one command', async () => {
    await admin.report('a', 'of a', MINUTE)
    await client.config('RESETSTAT')
    for (let i = 0; i < 5; i++) await admin.report('a', 'of a', MINUTE)
    expect(await client.info('commandstats')).toMatch(/cmdstat_evalsha:calls=5,/)
  })

  test('the sessions of a principal', async () => {
    const keys = newKeys(3)
    for (const key of keys) await store.createSession(key, 'record', MINUTE, { id: 'p', max: 10 })
    expect((await admin.sessionsOf('p')).sort()).toEqual(keys.sort())
    expect(await admin.sessionsOf('q')).toEqual([])
  })

  test('a cursor of another Redis is unknown', async () => {
    for (const cursor of ['x', '0', '0@elsewhere:6379', '-1@x']) {
      expect(await admin.walk('all', cursor, 10)).toEqual({ status: 'unknown' })
    }
  })

  test('the rights of docs/security.md are enough', async () => {
    const [, rights = ''] = /^ACL SETUSER mcp on >password (.+)$/m.exec(readFileSync('docs/security.md', 'utf8')) ?? []
    await client.call('ACL', 'SETUSER', 'mcp', 'on', '>password', ...rights.split(' '))
    const bounded = redisStore(server.url.replace('://', '://mcp:password@'))
    const operator = await adminOf(bounded)
    const [key = ''] = newKeys(1)
    await bounded.createSession(key, 'record', MINUTE, { id: 'p', max: 10 })
    expect(await operator.walk('all', undefined, 10)).toMatchObject({ keys: [key] })
    expect(await operator.describe([key])).toMatchObject([{ key }])
    expect(await operator.sessionsOf('p')).toEqual([key])
    await operator.report('a', 'of a', MINUTE)
    expect(await operator.instances()).toMatchObject([{ id: 'a' }])
    await operator.retract('a')
    expect(await operator.cancelCall(key, 'S')).toEqual({ status: 'unknown' })
    expect(await operator.facts()).toMatchObject({ mode: 'standalone' })
    await bounded.close()
  })

  test('the facts of the server', async () => {
    expect(await admin.facts()).toMatchObject({
      mode: 'standalone',
      version: expect.stringMatching(/^\d+\.\d+/),
      memory: { used: expect.any(Number), max: undefined },
    })
  })

  test('with another key a session and a report are listed, and what they say is not', async () => {
    const [own, other] = [sealedStore(store, [randomKey()]), sealedStore(store, [randomKey()])]
    const [key = ''] = newKeys(1)
    await own.createSession(key, 'record', MINUTE)
    const [mine, theirs] = [await adminOf(own), await adminOf(other)]
    await mine.report('a', 'of a', MINUTE)
    expect(await client.get('mcp:{bus}:instance:a')).not.toContain('of a')
    expect(await mine.describe([key])).toMatchObject([{ record: 'record' }])
    expect(await theirs.describe([key])).toMatchObject([{ key, record: undefined }])
    expect(await mine.instances()).toMatchObject([{ facts: 'of a' }])
    expect(await theirs.instances()).toMatchObject([{ id: 'a', facts: undefined }])
  })
})

test('in a cluster 10,000 sessions of every primary are walked page by page', async () => {
  const cluster = await startCluster()
  const nodes = cluster.nodes.map(({ url }) => new Redis(url))
  const store = redisStore({ cluster: cluster.urls.slice(0, 1) })
  try {
    const admin = await adminOf(store)
    const keys = newKeys(10_000)
    await fill(nodes, keys)
    const { found, largest } = await walkAll(admin, 500)
    expect(new Set(found)).toEqual(new Set(keys))
    expect(largest).toBeLessThan(1_000)
    expect(await admin.describe(keys.slice(0, 30))).toMatchObject(keys.slice(0, 30).map((key) => ({ key })))
    expect(await admin.facts()).toMatchObject({ mode: 'cluster' })
    await admin.report('a', 'of a', MINUTE)
    expect(await admin.instances()).toMatchObject([{ id: 'a' }])
  } finally {
    await store.close()
    for (const client of nodes) client.disconnect()
    await cluster.stop()
  }
})
