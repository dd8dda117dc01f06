/** A cluster of six with TLS, whose nodes are called by a host name, and a store that has one address of it. */
import { readFileSync } from 'node:fs'
import { Cluster, Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createNotifier } from '../../lib/runtime/notifier.ts'
import { type RedisStoreOptions, redisStore } from '../../lib/store/redis/index.ts'
import type { Store } from '../../lib/store/store.ts'
import { type Certificates, makeAuthority } from '../support/certificates.ts'
import { type RedisCluster, replicaHasAll, startCluster } from '../support/redis.ts'
import { MINUTE, newKey, until } from './contract/support.ts'
import { inboxOf } from './redis-fixture.ts'

let authority: Certificates
let cluster: RedisCluster
const opened: Store[] = []

beforeAll(async () => {
  authority = makeAuthority()
  // No IP address is in the certificate: each connection must be made to the name.
  const files = authority.issue('localhost', '-addext', 'subjectAltName=DNS:localhost')
  cluster = await startCluster({ replicas: 1, tls: { ca: authority.ca, ...files } })
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
})
afterAll(async () => {
  await cluster?.stop()
  authority?.remove()
})

function open(options: RedisStoreOptions): Store {
  const store = redisStore({ commandTimeout: 10_000, blockTime: 200, ...options })
  opened.push(store)
  return store
}

async function twelve(store: Store): Promise<string[]> {
  const keys = Array.from({ length: 12 }, newKey)
  for (const key of keys) expect(await store.createSession(key, `of ${key}`, MINUTE)).toEqual({ status: 'ok' })
  return keys
}

async function readAll(store: Store, keys: readonly string[]): Promise<void> {
  for (const key of keys) expect(await store.readSession(key, MINUTE)).toMatchObject({ record: `of ${key}` })
}

/** How many keys each master has. */
async function sizes(): Promise<number[]> {
  const masters = cluster.nodes.slice(0, 3).map(({ url }) => new Redis(url))
  const all = await Promise.all(masters.map((node) => node.dbsize()))
  for (const node of masters) node.disconnect()
  return all
}

const place = (scheme: string, host = 'localhost') => `${scheme}://${host}:${cluster.tlsPorts[0]}`
const secure = () => ({ ca: authority.ca })

describe('one address of a cluster', () => {
  test.each(['rediss+cluster', 'rediss', 'valkeys'])(
    'with %s:// serves 12 of 12 sessions, and mail',
    async (scheme) => {
      const store = open({ url: place(scheme), tls: secure() })
      store.serve?.('notes')
      const keys = await twelve(store)
      await readAll(store, keys)
      await readAll(open({ url: place(scheme), tls: { ca: readFileSync(authority.ca) } }), keys)
      expect(Math.min(...(await sizes()))).toBeGreaterThan(0)
      const { inbox, receiver } = inboxOf()
      const receiving = await store.receive(`of ${scheme}`, receiver)
      await store.send(`of ${scheme}`, 'mail')
      await createNotifier(open({ url: place(scheme), tls: secure() })).toolsChanged()
      expect(await inbox.have(2)).toEqual(['mail', 'tools'])
      await receiving.stop()
      expect(store.nearlyFull?.()).toBe(false)
    },
  )

  test('without TLS is found to be one of a cluster, for a user without INFO, too', async () => {
    const rights = 'on >pw ~mcp:* resetchannels -@all +@read +@write +@scripting +@connection +time +cluster|slots'
    await Promise.all(
      cluster.nodes.map(async ({ url }) => {
        const node = new Redis(url)
        await node.acl('SETUSER', 'few', ...rights.split(' '))
        node.disconnect()
      }),
    )
    const [, port] = cluster.urls.map((url) => URL.parse(url)?.port)
    for (const login of ['', 'few:pw@']) {
      const store = open({ url: `redis://${login}127.0.0.1:${port}` })
      await readAll(store, await twelve(store))
    }
  })

  test('whose commands come at once gets all of them, though it is the address of one server', async () => {
    const store = open({ url: place('rediss'), tls: secure() })
    const keys = Array.from({ length: 12 }, newKey)
    const made = await Promise.all(keys.map((key) => store.createSession(key, `of ${key}`, MINUTE)))
    expect(made).toEqual(keys.map(() => ({ status: 'ok' })))
    await readAll(store, keys)
  })

  test('that calls its nodes by IP addresses is used where their certificates are for the host of the address', async () => {
    const kind = (value: string) =>
      Promise.all(
        cluster.nodes.map(async ({ url }) => {
          const node = new Redis(url)
          await node.config('SET', 'cluster-preferred-endpoint-type', value)
          node.disconnect()
        }),
      )
    await kind('ip')
    try {
      const store = open({ url: place('rediss+cluster'), tls: secure() })
      await readAll(store, await twelve(store))
    } finally {
      await kind('hostname')
    }
  })

  test('whose certificate is not for it is not used', async () => {
    const store = open({ url: place('rediss', '127.0.0.1'), tls: secure(), commandTimeout: 1_500 })
    await expect(store.ping()).rejects.toThrow(/IP: 127\.0\.0\.1/)
    const named = open({ url: place('rediss', '127.0.0.1'), tls: { ...secure(), servername: 'localhost' } })
    await readAll(named, await twelve(named))
  })
})

test('a ready Cluster serves, waits through a duplicate of itself, and stays open', async () => {
  const client = new Cluster([{ host: 'localhost', port: cluster.tlsPorts[2] ?? 0 }], {
    dnsLookup: (name, found) => found(null, name),
    redisOptions: { tls: { ca: readFileSync(authority.ca) }, commandTimeout: 5_000 },
  })
  const store = redisStore({ client, blockTime: 200, commandTimeout: 10_000 })
  store.serve?.('notes')
  await readAll(store, await twelve(store))
  const { inbox, receiver } = inboxOf()
  await store.receive('of a client', receiver)
  await store.send('of a client', 'mail')
  expect(await inbox.have(1)).toEqual(['mail'])
  await store.close()
  expect(await client.get('nothing')).toBeNull()
  client.disconnect()
})

test('a ready Redis of one node is refused with the cure', async () => {
  const client = new Redis({
    host: 'localhost',
    port: cluster.tlsPorts[0] ?? 0,
    tls: { ca: readFileSync(authority.ca) },
  })
  const store = redisStore({ client })
  await expect(store.ping()).rejects.toThrow(/node of a cluster\. Give redisStore a Cluster of ioredis/)
  await store.close()
  client.disconnect()
})

// The last: it kills a node.
test('a failover loses no session that the replica had', async () => {
  const store = open({ url: place('rediss'), tls: secure() })
  const { inbox, receiver } = inboxOf()
  await store.receive('in a failover', receiver)
  const keys = await twelve(store)
  await Promise.all(cluster.nodes.slice(0, 3).map(({ port }) => replicaHasAll(port)))
  await cluster.nodes[0]?.kill()
  const works = () =>
    Promise.all(keys.map((key) => store.readSession(key, MINUTE))).then(
      () => true,
      () => false,
    )
  await until(works)
  await readAll(store, keys)
  await readAll(open({ url: `rediss://localhost:${cluster.tlsPorts[1]}`, tls: secure() }), keys)
  await readAll(store, await twelve(store))
  await store.send('in a failover', 'mail')
  await until(() => inbox.all.includes('mail'))
})
