/** How the Redis store uses its connections, and what it does when they fail. */
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { RedisStoreOptions } from '../../lib/store/redis/index.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { Receiver, Store } from '../../lib/store/store.ts'
import { StoreUnavailable } from '../../lib/store/store.ts'
import type { RedisServer } from '../support/redis.ts'
import { startRedis } from '../support/redis.ts'
import { append, call, entry, Inbox, MINUTE, newKey, until } from './contract/support.ts'
import { TcpProxy } from './tcp-proxy.ts'

let server: RedisServer
let admin: Redis
let proxy: TcpProxy
const opened: Store[] = []

beforeAll(async () => {
  server = await startRedis()
  admin = new Redis(server.url)
})

afterAll(async () => {
  admin.disconnect()
  await server.stop()
})

beforeEach(async () => {
  await admin.replicaof('NO', 'ONE')
  await admin.flushall()
  proxy = await TcpProxy.start(server.port)
})

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
  await proxy.close()
})

/** A store whose connections go through the proxy, or that is quicker to give up. */
function open(options: RedisStoreOptions = {}): Store {
  const store = redisStore({ url: server.url, commandTimeout: 600, blockTime: 200, ...options })
  opened.push(store)
  return store
}

function inboxOf(): { inbox: Inbox<string>; receiver: Receiver } {
  const inbox = new Inbox<string>()
  const receiver = {
    mail: (message: string) => inbox.add(message),
    change: ({ change }: { change: { kind: string } }) => inbox.add(change.kind),
    resumed: () => inbox.add('resumed'),
  }
  return { inbox, receiver }
}

/** The connections that Redis has, without that of the test. */
async function connections(): Promise<number> {
  return (
    String(await admin.client('LIST'))
      .trim()
      .split('\n').length - 1
  )
}

/** How often Redis was sent each command since the last reset of its statistics. */
async function commandCounts(): Promise<Record<string, number>> {
  const info = await admin.info('commandstats')
  return Object.fromEntries([...info.matchAll(/cmdstat_(\S+?):calls=(\d+)/g)].map(([, name, n]) => [name, Number(n)]))
}

describe('connections', () => {
  test('there are none before the first command, then one, and two while receiving', async () => {
    const store = open()
    expect(await connections()).toBe(0)
    await store.ping()
    expect(await connections()).toBe(1)
    await Promise.all(Array.from({ length: 100 }, () => store.readSession(newKey(), MINUTE)))
    expect(await connections()).toBe(1)
    const receiving = await store.receive('i1', inboxOf().receiver)
    expect(await connections()).toBe(2)
    await receiving.stop()
    await until(async () => (await connections()) === 1)
    await store.close()
    await until(async () => (await connections()) === 0)
  })

  test('reading a session is two commands in one round trip', async () => {
    const store = open({ url: proxy.url })
    const key = newKey()
    await store.createSession(key, 'r', MINUTE)
    await admin.config('RESETSTAT')
    const before = proxy.requests
    expect(await store.readSession(key, MINUTE)).toBeDefined()
    expect(proxy.requests - before).toBe(1)
    const { info: _, ...sent } = await commandCounts()
    expect(sent).toEqual({ hmget: 1, pexpire: 1, 'config|resetstat': 1 })
  })

  test('what is asked in one turn goes in one round trip', async () => {
    const store = open({ url: proxy.url })
    await store.ping()
    const before = proxy.requests
    await Promise.all(Array.from({ length: 20 }, (_, i) => store.getValue('user', `${i}`)))
    expect(proxy.requests - before).toBe(1)
  })

  test('scripts go by their hash after the first time, and in full where Redis has forgotten them', async () => {
    const store = open()
    await store.createSession(newKey(), 'r', MINUTE)
    await admin.config('RESETSTAT')
    await store.createSession(newKey(), 'r', MINUTE)
    expect(await commandCounts()).toMatchObject({ evalsha: 1 })
    expect(await commandCounts()).not.toHaveProperty('eval')
    await admin.script('FLUSH')
    const key = newKey()
    await store.createSession(key, 'r', MINUTE)
    expect(await store.readSession(key, undefined)).toBeDefined()
  })

  test('an address that is none is refused at once, and does not appear in the message', () => {
    expect(() => redisStore('http://user:secret@host')).toThrow(TypeError)
    expect(() => redisStore('http://user:secret@host')).not.toThrow(/secret/)
    expect(() => redisStore({})).toThrow(TypeError)
  })

  test('a password is sent', async () => {
    const guarded = await startRedis({ args: ['--requirepass', 'p@ss/word'] })
    const right = open({ url: `redis://:${encodeURIComponent('p@ss/word')}@127.0.0.1:${guarded.port}/1` })
    const wrong = open({ url: `redis://:other@127.0.0.1:${guarded.port}` })
    const none = open({ url: guarded.url })
    await right.ping()
    await expect(wrong.ping()).rejects.toThrow(StoreUnavailable)
    await expect(none.ping()).rejects.toThrow(StoreUnavailable)
    await guarded.stop()
  })
})

describe('closing', () => {
  test('a store that was never used', async () => {
    const store = redisStore(server.url)
    await store.close()
    await store.close()
    await expect(store.ping()).rejects.toThrow(StoreUnavailable)
    await expect(store.receive('i1', inboxOf().receiver)).rejects.toThrow(StoreUnavailable)
    expect(await connections()).toBe(0)
  })

  test('writes what is waiting', async () => {
    const store = open()
    const writes = Array.from({ length: 200 }, (_, i) => store.setValue('user', `k${i}`, 'v', MINUTE))
    await store.close()
    await Promise.all(writes)
    expect(await admin.dbsize()).toBe(200)
  })

  test('a store whose Redis is gone', async () => {
    const gone = await startRedis()
    const store = open({ url: gone.url })
    const { receiver } = inboxOf()
    await store.receive('i1', receiver)
    await store.ping()
    await gone.stop()
    const failed = expect(store.ping()).rejects.toThrow(StoreUnavailable)
    await store.close()
    await failed
  })
})

describe('a Redis that does not answer', () => {
  test('where nothing listens is unavailable', async () => {
    const gone = await startRedis()
    await gone.kill()
    const store = open({ url: gone.url })
    await expect(store.readSession('k', MINUTE)).rejects.toThrow(StoreUnavailable)
    await expect(store.createSession('k', 'r', MINUTE)).rejects.toThrow(StoreUnavailable)
    await expect(store.receive('i1', inboxOf().receiver)).rejects.toThrow(StoreUnavailable)
    await gone.restart()
    await until(async () =>
      store.ping().then(
        () => true,
        () => false,
      ),
    )
    await gone.stop()
  })

  test('while it is paused is unavailable, and has lost nothing afterwards', async () => {
    const store = open()
    const { inbox, receiver } = inboxOf()
    const key = newKey()
    await store.createSession(key, 'r', MINUTE)
    await store.append(key, append(1, ['a'], { register: call }))
    await store.receive('i1', receiver)
    server.pause()
    try {
      await expect(store.readSession(key, MINUTE)).rejects.toThrow(StoreUnavailable)
      const all = [store.append(key, append(2, ['b'])), store.send('i1', 'lost?'), store.ping()]
      for (const result of await Promise.allSettled(all)) {
        expect(result).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailable) })
      }
    } finally {
      server.resume()
    }
    await until(() =>
      store.ping().then(
        () => true,
        () => false,
      ),
    )
    expect(await store.readSession(key, MINUTE)).toMatchObject({ record: 'r' })
    // Whether Redis has executed what it was sent while it slept or not: the repeat is harmless.
    expect(await store.append(key, append(2, ['b']))).toMatchObject({ status: 'ok', end: 2 })
    expect(await store.readLog(key, 'S')).toEqual([entry(1, 'a'), entry(2, 'b')])
    await store.send('i1', 'awake')
    await until(() => inbox.all.includes('awake'))
  })

  test('as a replica that takes no writes is unavailable, until it is a primary again', async () => {
    const store = open()
    await store.createSession('k', 'r', MINUTE)
    await admin.replicaof('127.0.0.1', 1)
    await expect(store.createSession('l', 'r', MINUTE)).rejects.toThrow(StoreUnavailable)
    await admin.replicaof('NO', 'ONE')
    expect(await store.createSession('l', 'r', MINUTE)).toBe(true)
  })

  test('that comes back from its append-only file has everything', async () => {
    const kept = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    const store = open({ url: kept.url, commandTimeout: 2_500 })
    const { inbox, receiver } = inboxOf()
    const key = newKey()
    await store.createSession(key, 'r', MINUTE, { id: 'p', max: 1 })
    await store.setData(key, 'a', '1')
    await store.subscribe(key, 'file:///a')
    await store.append(key, append(1, ['a'], { register: { ...call, holder: 'i1:c1' }, asks: ['q'] }))
    await store.take(key, 'get', 'i1:c2', undefined)
    await store.post(key, 'get', 'm', 't1', 'p1')
    await store.publish({ kind: 'tools' })
    await store.receive('i1', receiver)
    await kept.kill()
    await kept.restart()
    await until(() =>
      store.ping().then(
        () => true,
        () => false,
      ),
    )

    expect(await store.readSession(key, MINUTE)).toEqual({ record: 'r', level: undefined })
    expect(await store.getData(key, 'a')).toBe('1')
    expect(await store.subscriptions(key)).toEqual(['file:///a'])
    expect(await store.append(key, append(2, ['b']))).toMatchObject({ status: 'ok', end: 2, holder: 'i1:c1' })
    expect(await store.answer(key, 'q', 'yes')).toEqual({ stored: true, owner: 'i1:run1' })
    expect(await store.look(key, 'get', 'i1:c2', 0, MINUTE)).toMatchObject({ entries: [entry(1, 'm')] })
    expect((await store.changesAfter('0-0')).entries).toHaveLength(1)
    expect(await store.createSession(newKey(), 'r', MINUTE, { id: 'p', max: 1 })).toBe(false)
    await until(() => inbox.all.includes('resumed'))
    await store.send('i1', 'after')
    await until(() => inbox.all.includes('after'))
    await kept.stop()
  })

  test('that comes back empty, with a clock that is behind, delivers again', async () => {
    const forgetful = await startRedis()
    const store = open({ url: forgetful.url })
    const { inbox, receiver } = inboxOf()
    await store.receive('i1', receiver)
    const direct = new Redis(forgetful.url)
    await direct.xadd('mcp:{bus}:box:i1', '9999999999999-5', 'm', 'from the future')
    await direct.xadd('mcp:{bus}:changes', '9999999999999-5', 'c', '{"kind":"tools"}')
    direct.disconnect()
    await inbox.have(2)
    await forgetful.kill()
    await forgetful.restart()
    await until(() => inbox.all.includes('resumed'))
    await store.send('i1', 'now')
    await store.publish({ kind: 'prompts' })
    await until(() => inbox.all.includes('now') && inbox.all.includes('prompts'))
    await forgetful.stop()
  })
})

describe('a network that fails', () => {
  test('a black-holed connection is replaced within the time that a command has', async () => {
    const store = open({ url: proxy.url, commandTimeout: 2_000 })
    const key = newKey()
    await store.createSession(key, 'r', MINUTE)
    proxy.blackhole()
    const all = await Promise.all([
      store.readSession(key, MINUTE),
      store.setData(key, 'a', '1'),
      store.append(key, append(1, ['a'], { register: call })),
    ])
    expect(all).toMatchObject([{ record: 'r' }, true, { status: 'ok' }])
    expect(proxy.connections).toBe(2)
  })

  test('a connection that is cut is replaced, and what was under way is sent again', async () => {
    const store = open({ url: proxy.url })
    const key = newKey()
    await store.createSession(key, 'r', MINUTE)
    for (let i = 0; i < 20; i++) {
      const writes = Array.from({ length: 10 }, (_, j) => store.setData(key, `${i}.${j}`, '1'))
      proxy.reset()
      expect(await Promise.all(writes)).toEqual(writes.map(() => true))
    }
  })

  test('an append whose reply was lost is in the log once', async () => {
    const store = open({ url: proxy.url })
    const key = newKey()
    await store.createSession(key, 'r', MINUTE)
    await store.register(key, call)
    for (let n = 1; n <= 5; n++) {
      const lost = proxy.loseReply()
      expect(await store.append(key, append(n, [`m${n}`]))).toMatchObject({ status: 'ok', end: n })
      await lost
    }
    expect((await store.readLog(key, 'S')).map(({ data }) => data)).toEqual(['m1', 'm2', 'm3', 'm4', 'm5'])
    const lost = proxy.loseReply()
    const end = { stream: 'S', owner: 'i1:run1', mark: true }
    expect(await store.endCall(key, end)).toEqual({ status: 'ok', cancelled: false, holder: undefined })
    await lost
    expect(await store.readLog(key, 'S')).toHaveLength(6)
  })

  test('a batch that was cut between its replies is finished', async () => {
    const store = open({ url: proxy.url })
    await store.setValue('user', 'a', 'v', MINUTE)
    const lost = proxy.loseReply('$1\r\nv\r\n'.length * 3 + 2)
    const reads = await Promise.all(Array.from({ length: 10 }, () => store.getValue('user', 'a')))
    await lost
    expect(reads).toEqual(reads.map(() => 'v'))
  })

  test('a former primary is left for the one that its name leads to now', async () => {
    const next = await startRedis()
    const store = open({ url: proxy.url, commandTimeout: 2_500 })
    await store.createSession('k', 'r', MINUTE)
    await admin.replicaof('127.0.0.1', next.port)
    proxy.target = next.port
    expect(await store.createSession('l', 'r', MINUTE)).toBe(true)
    await next.stop()
  })

  test('changes do not overtake mail, however much of it is waiting', async () => {
    const store = open({ url: proxy.url })
    const sender = open()
    const { inbox, receiver } = inboxOf()
    await store.receive('i1', receiver)
    proxy.blackhole()
    const mail = Array.from({ length: 500 }, (_, i) => `m${i}`)
    await Promise.all(mail.map((message) => sender.send('i1', message)))
    await sender.publish({ kind: 'tools' })
    await inbox.have(502)
    expect(inbox.all).toEqual(['resumed', ...mail, 'tools'])
  })

  test('mail is received again after a cut, and the receiver is told to look', async () => {
    const store = open({ url: proxy.url })
    const sender = open()
    const { inbox, receiver } = inboxOf()
    await store.receive('i1', receiver)
    await sender.send('i1', 'a')
    await inbox.have(1)
    proxy.reset()
    await sender.send('i1', 'b')
    await sender.publish({ kind: 'tools' })
    await inbox.have(4)
    expect(inbox.all.filter((item) => item !== 'resumed')).toEqual(['a', 'b', 'tools'])
    expect(inbox.all).toContain('resumed')
  })

  test('mail is received again after the waiting connection was black-holed', async () => {
    const store = open({ url: proxy.url })
    const sender = open()
    const { inbox, receiver } = inboxOf()
    await store.receive('i1', receiver)
    proxy.blackhole()
    await sender.send('i1', 'a')
    await sender.publish({ kind: 'tools' })
    await inbox.have(3)
    expect(inbox.all).toEqual(['resumed', 'a', 'tools'])
  })

  test('after a long sleep the connections are replaced before they are used', async () => {
    const store = open({ url: proxy.url, commandTimeout: 20_000, blockTime: 20_000 })
    const { inbox, receiver } = inboxOf()
    const key = newKey()
    await store.createSession(key, 'r', MINUTE)
    await store.receive('i1', receiver)
    store.wake(1_000)
    await store.ping()
    expect(proxy.connections).toBe(2)
    proxy.blackhole()
    store.wake(61_000)
    expect(await store.readSession(key, MINUTE)).toBeDefined()
    await store.send('i1', 'awake')
    await until(() => inbox.all.includes('awake'))
    expect(inbox.all).toContain('resumed')
    expect(proxy.connections).toBe(4)
  })
})
