/** The sealed store keeps the contract. A reader of Redis learns no text, and a writer without a key can add none. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { sealedStore, type Unsealed } from '../../lib/store/sealed.ts'
import type { Store } from '../../lib/store/store.ts'
import { redisOfFile } from '../support/file-redis.ts'
import { storeContract } from './contract/index.ts'
import { call } from './contract/support.ts'

const [FIRST, SECOND, OTHER] = ['first', 'second', 'other'].map((text) => Buffer.alloc(32, text)) as [
  Buffer,
  Buffer,
  Buffer,
]
const MINUTE = 60_000

const redis = redisOfFile()
const stores: Store[] = []

afterAll(() => Promise.all(stores.map((store) => store.close())))

function open(ring: Buffer[], unsealed?: Unsealed): Store {
  const store = sealedStore(redisStore(redis.server.url), ring, unsealed)
  stores.push(store)
  return store
}

storeContract((options) => sealedStore(memoryStore(options), [FIRST, SECOND]), {
  name: 'a sealed store in memory',
  keepsForm: false,
})
storeContract(
  async (options) => {
    await redis.admin.flushall()
    return sealedStore(redisStore({ ...options, url: redis.server.url }), [FIRST])
  },
  { name: 'a sealed store in Redis', keepsForm: false },
)
storeContract((options) => sealedStore(memoryStore(options), [FIRST], 'write'), {
  name: 'a store that is about to be sealed',
})

test('has every member of the store that it seals', () => {
  const store = redisStore(redis.server.url)
  const sealed = sealedStore(store, [FIRST])
  stores.push(sealed)
  expect(Object.keys(sealed)).toEqual(expect.arrayContaining(Object.keys(store)))
  expect(sealed.answersAnew).toBeTypeOf('function')
})

/** Everything in Redis as text. */
async function everything(): Promise<string> {
  const parts: unknown[] = []
  for (const key of await redis.admin.keys('*')) {
    const type = await redis.admin.type(key)
    parts.push(key)
    if (type === 'hash') parts.push(await redis.admin.hgetall(key))
    else if (type === 'stream') parts.push(await redis.admin.xrange(key, '-', '+'))
    else if (type === 'zset') parts.push(await redis.admin.zrange(key, '0', '-1'))
    else if (type === 'set') parts.push(await redis.admin.smembers(key))
    else parts.push(await redis.admin.get(key))
  }
  return JSON.stringify(parts)
}

/** Writes one of each kind of text, all of them saying SECRET. */
async function fill(store: Store): Promise<void> {
  await store.createSession('k', 'SECRET record', MINUTE, { id: 'p', max: 10 })
  await store.setData('k', 'name', 'SECRET data')
  await store.register('k', { ...call, request: 'SECRET request' })
  const run = { stream: 'S', owner: call.owner, tag: 't', final: false }
  await store.append('k', { ...run, from: 1, messages: ['SECRET message'], asks: ['ask'] })
  await store.answer('k', 'ask', 'SECRET answer')
  await store.post('k', 'get', 'SECRET post', 't', 'p1')
  await store.send('instance', 'SECRET mail')
  for (const kind of ['user', 'handle', 'elic', 'used'] as const)
    await store.setValue(kind, 'id', 'SECRET value', MINUTE)
  await store.addValue('used', 'once', 'SECRET value', MINUTE)
}

beforeEach(() => redis.admin.flushall())

describe('in Redis', () => {
  test('nothing can be read without the key', async () => {
    await fill(open([FIRST]))
    expect(await everything()).not.toContain('SECRET')
  })

  test('the test finds every text of a store without a seal', async () => {
    const store = redisStore(redis.server.url)
    stores.push(store)
    await fill(store)
    expect((await everything()).match(/SECRET/g)).toHaveLength(12)
  })

  test('two equal texts have different seals', async () => {
    const store = open([FIRST])
    await store.setValue('user', 'a', 'same', MINUTE)
    await store.setValue('user', 'b', 'same', MINUTE)
    expect(await redis.admin.get('mcp:user:a')).not.toBe(await redis.admin.get('mcp:user:b'))
  })
})

describe('an attacker who can write to Redis, without a key,', () => {
  test('cannot put one text in the place of another', async () => {
    const store = open([FIRST])
    await store.createSession('mine', 'my record', MINUTE)
    await store.createSession('theirs', 'their record', MINUTE)
    await store.setData('mine', 'role', 'admin')
    await store.setValue('user', 'mine', 'admin', MINUTE)
    await redis.admin.hset('mcp:{theirs}', 'rec', (await redis.admin.hget('mcp:{mine}', 'rec')) ?? '')
    expect(await store.readSession('theirs', undefined)).toBeUndefined()
    await redis.admin.hset('mcp:{mine}', 'd:other', (await redis.admin.hget('mcp:{mine}', 'd:role')) ?? '')
    expect(await store.getData('mine', 'other')).toBeUndefined()
    await redis.admin.set('mcp:handle:mine', (await redis.admin.get('mcp:user:mine')) ?? '', 'PX', MINUTE)
    expect(await store.getValue('handle', 'mine')).toBeUndefined()
  })

  test('cannot add or change a text', async () => {
    const store = open([FIRST])
    await store.createSession('k', 'record', MINUTE)
    const sealed = (await redis.admin.hget('mcp:{k}', 'rec')) ?? ''
    await redis.admin.hset('mcp:{k}', 'rec', '{"v":1}')
    expect(await store.readSession('k', undefined)).toBeUndefined()
    await redis.admin.hset('mcp:{k}', 'rec', `${sealed.slice(0, -4)}AAAA`)
    expect(await store.readSession('k', undefined)).toBeUndefined()
    await redis.admin.hset('mcp:{k}', 'rec', sealed)
    expect(await store.readSession('k', undefined)).toMatchObject({ record: 'record' })
  })

  test('cannot add a message to a stream: its log is then unreadable', async () => {
    const store = open([FIRST])
    await store.createSession('k', 'record', MINUTE)
    await store.post('k', 'get', 'a message', 't', 'p1')
    expect(await store.take('k', 'get', 'i:c', { n: 0, tag: '' })).toMatchObject({ status: 'ok' })
    await redis.admin.xadd('mcp:{k}:log:get', '2-0', 't', 't', 'm', '{"forged":true}')
    await redis.admin.hset('mcp:{k}', 'e:get', '2')
    expect(await store.take('k', 'get', 'i:c', { n: 0, tag: '' })).toEqual({ status: 'trimmed' })
    expect(await store.look('k', 'get', 'i:c', { n: 1, tag: '' }, MINUTE)).toEqual({ status: 'moved' })
  })

  test('cannot send mail', async () => {
    const store = open([FIRST])
    const mail: string[] = []
    let resolve: () => void = () => {}
    const arrived = new Promise<void>((done) => {
      resolve = done
    })
    const receiving = await store.receive('me', {
      mail: (message) => {
        mail.push(message)
        resolve()
      },
      change: () => {},
      resumed: () => {},
    })
    await redis.admin.xadd('mcp:{bus}:box:me', '*', 'm', '{"t":"gone","to":"me:x"}')
    await store.send('me', 'honest')
    await arrived
    expect(mail).toEqual(['honest'])
    await receiving.stop()
  })
})

describe('the ring of keys', () => {
  test('is changed without loss: the new key first only opens, then the old one does', async () => {
    const old = open([FIRST])
    await fill(old)
    const prepared = open([FIRST, SECOND])
    const turned = open([SECOND, FIRST])
    await turned.createSession('n', 'new record', MINUTE)
    for (const store of [old, prepared, turned]) expect(await store.readSession('k', undefined)).toBeDefined()
    expect(await prepared.readSession('n', undefined)).toMatchObject({ record: 'new record' })
    expect((await turned.readLog('k', 'S')).map(({ data }) => data)).toEqual(['SECRET message'])
    expect(await open([SECOND]).readSession('n', undefined)).toBeDefined()
    // A text that only the removed key could open does not exist any more.
    expect(await open([SECOND]).readSession('k', undefined)).toBeUndefined()
    expect(await open([OTHER]).readSession('n', undefined)).toBeUndefined()
  })

  test('is turned on without loss, in three steps', async () => {
    const plain = redisStore(redis.server.url)
    stores.push(plain)
    await fill(plain)
    const [first, second, third] = [open([FIRST], 'write'), open([FIRST], 'read'), open([FIRST])]
    expect(await first.readSession('k', undefined)).toMatchObject({ record: 'SECRET record' })
    await first.createSession('a', 'of the first step', MINUTE)
    // Builds without a key run beside the first step.
    expect(await plain.readSession('a', undefined)).toMatchObject({ record: 'of the first step' })
    await second.createSession('b', 'of the second step', MINUTE)
    expect(await first.readSession('b', undefined)).toMatchObject({ record: 'of the second step' })
    expect(await second.readSession('a', undefined)).toMatchObject({ record: 'of the first step' })
    expect(await third.readSession('b', undefined)).toMatchObject({ record: 'of the second step' })
    expect(await third.readSession('a', undefined)).toBeUndefined()
  })
})
