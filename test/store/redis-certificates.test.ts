/** A server with a Unix socket and TLS that asks for the certificate of its client, and ready clients for it. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type RedisStoreOptions, type RedisTls, redisStore } from '../../lib/redis.ts'
import type { Store } from '../../lib/store/store.ts'
import { type Certificates, makeAuthority } from '../support/certificates.ts'
import { freePort } from '../support/ports.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { MINUTE, newKey, until } from './contract/support.ts'
import { inboxOf } from './redis-fixture.ts'

let folder: string
let socket: string
let authority: Certificates
let other: Certificates
let client: { cert: string; key: string }
let foreign: { cert: string; key: string }
let server: RedisServer
let files: Record<string, string>
let tlsPort: number
const opened: Store[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-ways-'))
  // A space and a percent sign: they are escaped in the address.
  socket = join(folder, 'redis 100%.sock')
  authority = makeAuthority()
  other = makeAuthority()
  client = authority.issue('client')
  foreign = other.issue('client')
  const { cert, key } = authority.issue('redis', '-addext', 'subjectAltName=DNS:redis.internal')
  tlsPort = await freePort()
  files = { 'tls-ca-cert-file': authority.ca, 'tls-cert-file': cert, 'tls-key-file': key }
  const lines = { 'tls-port': tlsPort, ...files, unixsocket: socket, user: 'mcp on >pw ~* &* +@all' }
  const args = Object.entries(lines).flatMap(([name, value]) =>
    name === 'user' ? ['--user', ...`${value}`.split(' ')] : [`--${name}`, `${value}`],
  )
  server = await startRedis({ args })
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
})
afterAll(async () => {
  await server?.stop()
  authority?.remove()
  other?.remove()
  rmSync(folder, { recursive: true, force: true })
})

function open(options: RedisStoreOptions): Store {
  const store = redisStore({ commandTimeout: 10_000, blockTime: 200, ...options })
  opened.push(store)
  return store
}

/** Reads and writes a session, and gets mail. */
async function serves(store: Store): Promise<string> {
  const key = newKey()
  await store.createSession(key, 'r', MINUTE)
  expect(await store.readSession(key, MINUTE)).toMatchObject({ record: 'r' })
  const { inbox, receiver } = inboxOf()
  const receiving = await store.receive(key, receiver)
  await store.send(key, 'mail')
  expect(await inbox.have(1)).toEqual(['mail'])
  await receiving.stop()
  return key
}

const escaped = () => socket.split('/').map(encodeURIComponent).join('/')
const rediss = (name = 'localhost') => `rediss://${name}:${tlsPort}`
const failed = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (error: Error) => error.message,
  )

describe('a socket', () => {
  test('serves, with the user, the password and the database of its address', async () => {
    await serves(open({ url: `unix://${escaped()}` }))
    const key = await serves(open({ url: `unix://mcp:pw@${escaped()}?db=3` }))
    const admin = new Redis({ path: socket, db: 3 })
    expect(await admin.exists(`mcp:{${key}}`)).toBe(1)
    admin.disconnect()
    await serves(open({ url: `redis+unix://${escaped()}?username=mcp&password=pw` }))
    expect(await failed(open({ url: `unix://mcp:wrong@${escaped()}` }).ping())).toContain('WRONGPASS')
  })
})

describe('TLS with certificates of both sides', () => {
  const named = { servername: 'redis.internal' }

  test('serves with files, with PEM, with PEM in one line, with its base64 and with bytes', async () => {
    const { ca } = authority
    const text = (path: string) => readFileSync(path, 'utf8')
    const forms: ((path: string) => string | Uint8Array)[] = [
      (path) => path,
      text,
      (path) => text(path).trim().replaceAll('\n', '\\n'),
      (path) => Buffer.from(text(path)).toString('base64'),
      (path) => readFileSync(path),
    ]
    for (const form of forms) {
      const tls: RedisTls = { ca: form(ca), cert: form(client.cert), key: form(client.key), ...named }
      await serves(open({ url: rediss(), tls }))
    }
  })

  test('opens a key that has a passphrase', async () => {
    const locked = authority.issue('locked', '-passout', 'pass:open sesame')
    await serves(open({ url: rediss(), tls: { ca: authority.ca, ...locked, passphrase: 'open sesame', ...named } }))
  })

  test('reads its files again for each connection, and goes on with what it had where they are gone', async () => {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const write = (from: typeof client) => {
      copyFileSync(from.cert, cert)
      copyFileSync(from.key, key)
    }
    write(foreign)
    const store = open({ url: rediss(), tls: { ca: authority.ca, cert, key, ...named }, commandTimeout: 1_000 })
    expect(await failed(store.ping())).toMatch(/unknown ca|closed|hang up|reset/i)
    write(client)
    await until(async () => (await failed(store.ping())) === undefined)
    writeFileSync(cert, '')
    const admin = new Redis(server.port)
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await until(async () => (await failed(store.ping())) === undefined)
    admin.disconnect()
  })

  test.each([
    ['another authority', () => ({ ca: other.ca, ...client, ...named }), /certificate/],
    ['no authority', () => ({ ...client, ...named }), /certificate/],
    ['another name', () => ({ ca: authority.ca, ...client }), /localhost/],
    [
      'no certificate of the client',
      () => ({ ca: authority.ca, ...named }),
      /certificate required|closed|reset|hang up/i,
    ],
  ])('with %s does not serve, and says so', async (_what, tls, reason) => {
    expect(await failed(open({ url: rediss(), tls: tls(), commandTimeout: 400 }).ping())).toMatch(reason)
  })

  test('is spoken with Sentinels, too', async () => {
    const port = await freePort()
    const lines = {
      'tls-port': port,
      'tls-replication': 'yes',
      ...files,
      'sentinel monitor main 127.0.0.1': `${tlsPort} 1`,
    }
    const sentinel = await startRedis({ sentinel: Object.entries(lines).map((line) => line.join(' ')) })
    const tls = { ca: authority.ca, ...client, ...named }
    await serves(open({ url: `rediss+sentinel://localhost:${port}/main`, tls }))
    const nameless = open({ url: `rediss+sentinel://localhost:${port}/main`, tls: { ...tls, servername: undefined } })
    expect(await failed(nameless.ping())).toMatch(/No Sentinel can be reached: .*localhost/)
    await sentinel.stop()
  })

  test('is made to an address that is the common name of a certificate of the own authority', async () => {
    const { cert, key } = authority.issue('127.0.0.1')
    const [port, files] = [
      await freePort(),
      { 'tls-ca-cert-file': authority.ca, 'tls-cert-file': cert, 'tls-key-file': key },
    ]
    const lines = { 'tls-port': port, 'tls-auth-clients': 'no', ...files }
    const managed = await startRedis({
      args: Object.entries(lines).flatMap(([name, value]) => [`--${name}`, `${value}`]),
    })
    await serves(open({ url: `rediss://127.0.0.1:${port}`, tls: { ca: authority.ca } }))
    await managed.stop()
  })

  test('accepts any certificate where that is asked for', async () => {
    await serves(open({ url: rediss(), tls: { ...client, insecure: true } }))
  })

  test.each([
    ['a file that is not there', { ca: '/no/such/file' }, /^The authority .*REDIS_TLS_CA.*tls\.ca.*\(ENOENT\)\.$/],
    ['a folder', { ca: '/' }, /EISDIR/],
    ['a file without PEM', { ca: 'package.json' }, /without PEM/],
    ['a key in place of a certificate', () => ({ ca: client.key }), /no certificate in it/],
    ['a damaged certificate', { ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }, /cannot be read/],
    ['a certificate without its key', () => ({ cert: client.cert }), /REDIS_TLS_CERT.*needs its key.*REDIS_TLS_KEY/],
    ['a key without its certificate', () => ({ key: client.key }), /REDIS_TLS_KEY.*needs a certificate/],
    ['the key of another certificate', () => ({ cert: client.cert, key: foreign.key }), /not that of the certificate/],
    ['a certificate in place of the key', () => ({ cert: client.cert, key: client.cert }), /no private key/],
    ['a passphrase alone', { passphrase: 'secret' }, /REDIS_TLS_KEY_PASSPHRASE.*needs a key/],
  ])('%s is refused before anything is connected', (_what, given, reason) => {
    const tls = typeof given === 'function' ? given() : given
    expect(() => redisStore({ url: 'rediss://localhost', tls })).toThrow(reason)
    expect(() => redisStore({ url: 'rediss://localhost', tls })).toThrow(TypeError)
  })

  test('a wrong passphrase is refused, and is not shown', () => {
    const locked = authority.issue('locked too', '-passout', 'pass:open sesame')
    for (const passphrase of [undefined, 'secret']) {
      const read = () => redisStore({ url: 'rediss://localhost', tls: { ...locked, passphrase } })
      expect(read).toThrow(/REDIS_TLS_KEY_PASSPHRASE, tls\.passphrase\) is missing or wrong/)
      expect(read).not.toThrow(/secret/)
    }
  })

  test.each(['redis://h', 'redis+cluster://h', 'unix:///tmp/redis.sock'])('is not for %s', (url) => {
    expect(() => redisStore({ url, tls: { ca: authority.ca } })).toThrow(/REDIS_TLS_CA.*rediss:\/\//)
  })
})

describe('a ready client', () => {
  test('serves, waits through a duplicate of itself, and stays open', async () => {
    // A read waits for longer than a command may take.
    const redis = new Redis(server.port, { db: 5, commandTimeout: 1_000, lazyConnect: true })
    const store = redisStore({ client: redis, blockTime: 1_200, commandTimeout: 10_000 })
    const errors: unknown[] = []
    redis.on('error', (error) => errors.push(error))
    const listeners = () => redis.listenerCount('error')
    const reads = async () => Number(/cmdstat_xread:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0)
    const { inbox, receiver } = inboxOf()
    const key = newKey()
    await store.createSession(key, 'r', MINUTE)
    expect(await redis.exists(`mcp:{${key}}`)).toBe(1)
    await store.receive('i', receiver)
    const before = await reads()
    await until(async () => (await reads()) > before)
    await store.send('i', 'mail')
    // A read that had ended before its time would be followed by `resumed`.
    expect(await inbox.have(1)).toEqual(['mail'])
    const listening = listeners()
    await store.close()
    expect(listeners()).toBe(listening - 1)
    expect(await redis.exists(`mcp:{${key}}`)).toBe(1)
    expect(errors).toEqual([])
    redis.disconnect()
  })

  test('from another copy of the package serves, too', async () => {
    const redis = new Redis(server.port)
    // It is not an instance of the class that the store has.
    const foreign = new Proxy(redis, { getPrototypeOf: () => Object.prototype })
    expect(foreign instanceof Redis).toBe(false)
    const store = open({ client: foreign })
    await serves(store)
    // Many heartbeats at once are one script.
    const keys = Array.from({ length: 8 }, newKey)
    for (const key of keys) {
      await store.createSession(key, 'r', MINUTE)
      await store.take(key, 'get', 'i1:c1', undefined)
    }
    const looks = keys.map((key) => store.look(key, 'get', 'i1:c1', { n: 0, tag: '' }, MINUTE))
    expect(await Promise.all(looks)).toEqual(keys.map(() => expect.objectContaining({ status: 'ok' })))
    redis.disconnect()
  })

  test('is connected anew after an environment slept', async () => {
    const redis = new Redis(server.port)
    const store = open({ client: redis })
    await store.ping()
    const id = await redis.client('ID')
    store.wake?.(120_000)
    await store.ping()
    expect(await redis.client('ID')).not.toBe(id)
    redis.disconnect()
  })

  test.each([
    ['keyPrefix', { keyPrefix: 'a:' }, /keyPrefix.*the option prefix/],
    ['replicas', { readOnly: true }, /readOnly/],
    ['other replies', { stringNumbers: true }, /stringNumbers/],
    ['RESP3 replies', { replyMapping: 'resp3' as const }, /resp3/],
  ])('with %s is refused', (_what, options, reason) => {
    const redis = new Redis({ lazyConnect: true, ...options } as { lazyConnect: true })
    expect(() => redisStore({ client: redis })).toThrow(reason)
  })

  test('is a client of ioredis, and no address is beside it', () => {
    expect(() => redisStore({ client: {} as never })).toThrow(/a Redis or a Cluster of the package ioredis/)
    expect(() => redisStore({ client: null as never })).toThrow(/a Redis or a Cluster/)
    const redis = new Redis({ lazyConnect: true })
    expect(() => redisStore({ client: redis, url: 'redis://h' })).toThrow(/a client and an address \(REDIS_URL/)
  })
})
