/** Servers that Sentinels watch: three Sentinels with a password, a primary and a replica with another. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type RedisStoreOptions, redisStore } from '../../lib/store/redis/index.ts'
import { type Store, StoreRefused, StoreUnavailable } from '../../lib/store/store.ts'
import { freePort } from '../support/ports.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { MINUTE, newKey, until } from './contract/support.ts'
import { inboxOf } from './redis-fixture.ts'

let servers: [primary: RedisServer, replica: RedisServer]
let sentinels: RedisServer[]
const opened: Store[] = []
const LOGIN = ['--requirepass', 'pw', '--masterauth', 'pw', '--repl-diskless-sync-delay', '0']

beforeAll(async () => {
  const primary = await startRedis({ args: LOGIN })
  const replica = await startRedis({ args: [...LOGIN, '--replicaof', '127.0.0.1', String(primary.port)] })
  servers = [primary, replica]
  const admin = new Redis(primary.port, { password: 'pw' })
  while (!/slave0:.*state=online/.test(await admin.info('replication'))) await sleep(20)
  admin.disconnect()
  const main = (line: string) => `sentinel ${line.replace(' ', ' main ')}`
  const lines = [
    `sentinel monitor main 127.0.0.1 ${primary.port} 2`,
    ...['auth-pass pw', 'down-after-milliseconds 500', 'failover-timeout 4000'].map(main),
    // Each Sentinel also asks the others.
    'requirepass watch',
    'sentinel sentinel-pass watch',
    // The rights that docs/security.md names.
    'user few on >few resetchannels -@all +auth +hello +sentinel|get-master-addr-by-name',
  ]
  sentinels = await Promise.all([1, 2, 3].map(() => startRedis({ sentinel: lines })))
  while (!(await Promise.all(sentinels.map(seesAll))).every(Boolean)) await sleep(50)
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
})
afterAll(async () => {
  await Promise.all([...(sentinels ?? []), ...(servers ?? [])].map((server) => server.stop()))
})

/** Whether a Sentinel knows the replica and the other Sentinels. */
async function seesAll({ port }: RedisServer): Promise<boolean> {
  const sentinel = new Redis(port, { password: 'watch', enableReadyCheck: false })
  const info = String(await sentinel.call('INFO', 'sentinel'))
  sentinel.disconnect()
  return /status=ok,.*slaves=1,sentinels=3/.test(info)
}

function open(url: string, options: RedisStoreOptions = {}): Store {
  const store = redisStore({ url, commandTimeout: 10_000, blockTime: 200, ...options })
  opened.push(store)
  return store
}

const hosts = () => sentinels.map(({ port }) => `127.0.0.1:${port}`).join()
const address = (name = 'main', password = 'few') =>
  `redis+sentinel://:pw@${hosts()}/${name}?sentinelUsername=few&sentinelPassword=${password}`
const failed = (work: Promise<unknown>): Promise<Error | undefined> =>
  work.then(
    () => undefined,
    (error: Error) => error,
  )

test('the primary that Sentinels name is used, in the database of the address', async () => {
  const store = open(address('main/2'))
  const key = newKey()
  await store.createSession(key, 'r', MINUTE)
  const admin = new Redis(servers[0].port, { password: 'pw', db: 2 })
  expect(await admin.exists(`mcp:{${key}}`)).toBe(1)
  admin.disconnect()
})

test('a Sentinel that is away or frozen does not matter', async () => {
  const nobody = await freePort()
  sentinels[0]?.pause()
  try {
    const store = open(address().replace('@', `@127.0.0.1:${nobody},`), { commandTimeout: 1_500 })
    await until(async () => (await failed(store.ping())) === undefined)
  } finally {
    sentinels[0]?.resume()
  }
})

test.each([
  ['a name that no Sentinel has', () => address('other'), /watches no primary "other"/],
  ['a wrong sentinelPassword', () => address('main', 'wrong'), /WRONGPASS.*sentinelUsername and sentinelPassword/],
  ['no sentinelPassword', () => address().replace(/\?.*/, ''), /NOAUTH.*sentinelUsername and sentinelPassword/],
  ['a wrong password of the server', () => address().replace(':pw@', ':wrong@'), /WRONGPASS/],
] as const)('%s is refused with the reason', async (_what, url, reason) => {
  const failure = await failed(open(url(), { commandTimeout: 1_000 }).ping())
  expect(failure).toBeInstanceOf(StoreRefused)
  expect(failure?.message).toMatch(reason)
  expect(failure?.message).not.toMatch(/\n|:pw@/)
})

test('Sentinels that cannot be reached are no refusal', async () => {
  const failure = await failed(
    open(`redis+sentinel://127.0.0.1:${await freePort()}/main`, { commandTimeout: 200 }).ping(),
  )
  expect(failure).toBeInstanceOf(StoreUnavailable)
  expect(failure).not.toBeInstanceOf(StoreRefused)
  expect(failure?.message).toContain('ECONNREFUSED')
})

test('the address of a Sentinel as that of a server is refused with the cure', async () => {
  const failure = await failed(open(`redis://:watch@127.0.0.1:${sentinels[1]?.port}`).ping())
  expect(failure).toBeInstanceOf(StoreRefused)
  expect(failure?.message).toMatch(/is a Sentinel.*redis\+sentinel:\/\/host\/name/)
})

test('a ready client for Sentinels serves, and waits through a duplicate of itself', async () => {
  const client = new Redis({
    sentinels: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
    ...{ name: 'main', sentinelPassword: 'watch', password: 'pw' },
  })
  const store = redisStore({ client, blockTime: 200, commandTimeout: 10_000 })
  const { inbox, receiver } = inboxOf()
  await store.receive('of a client', receiver)
  await store.send('of a client', 'mail')
  expect(await inbox.have(1)).toEqual(['mail'])
  await store.close()
  expect(await client.ping()).toBe('PONG')
  client.disconnect()
})

// The last: it kills the primary.
test('a failover loses no session that the replica had', async () => {
  const store = open(address())
  const { inbox, receiver } = inboxOf()
  await store.receive('in a failover', receiver)
  const keys = Array.from({ length: 12 }, newKey)
  for (const key of keys) await store.createSession(key, `of ${key}`, MINUTE)
  const admin = new Redis(servers[0].port, { password: 'pw' })
  expect(await admin.wait(1, 10_000)).toBe(1)
  admin.disconnect()
  await servers[0].kill()
  await until(async () => (await failed(store.ping())) === undefined)
  for (const key of keys) expect(await store.readSession(key, MINUTE)).toMatchObject({ record: `of ${key}` })
  await store.send('in a failover', 'mail')
  await until(() => inbox.all.includes('mail'))
  const after = new Redis(servers[1].port, { password: 'pw' })
  expect(await after.exists(`mcp:{${keys[0]}}`)).toBe(1)
  expect(await after.role()).toContain('master')
  after.disconnect()
})
