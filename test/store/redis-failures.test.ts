/** The Redis store while Redis does not answer. */
import { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { StoreUnavailable } from '../../lib/store/store.ts'
import { startRedis } from '../support/redis.ts'
import { append, call, entry, MINUTE, newKey, until } from './contract/support.ts'
import { answers, inboxOf, redisFixture } from './redis-fixture.ts'

const f = redisFixture()

describe('a Redis that does not answer', () => {
  test('is unavailable where no server listens', async () => {
    const gone = await startRedis()
    await gone.kill()
    const store = f.open({ url: gone.url })
    await expect(store.readSession('k', MINUTE)).rejects.toThrow(StoreUnavailable)
    await expect(store.createSession('k', 'r', MINUTE)).rejects.toThrow(/ECONNREFUSED/)
    await expect(store.receive('i1', inboxOf().receiver)).rejects.toThrow(StoreUnavailable)
    await gone.restart()
    await until(() => answers(store))
    await gone.stop()
  })

  test('is unavailable while it is paused, and has lost nothing afterwards', async () => {
    const store = f.open({ commandTimeout: 1_500 })
    const { inbox, receiver } = inboxOf()
    const key = newKey()
    await store.createSession(key, 'r', MINUTE)
    await store.append(key, append(1, ['a'], { register: call }))
    await store.receive('i1', receiver)
    f.server.pause()
    try {
      await expect(store.readSession(key, MINUTE)).rejects.toThrow(StoreUnavailable)
      const all = [store.append(key, append(2, ['b'])), store.send('i1', 'lost?'), store.ping()]
      for (const result of await Promise.allSettled(all)) {
        expect(result).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailable) })
      }
    } finally {
      f.server.resume()
    }
    await until(() => answers(store))
    expect(await store.readSession(key, MINUTE)).toMatchObject({ record: 'r' })
    // Whether Redis has executed what it was sent while it slept or not: the repeat is harmless.
    expect(await store.append(key, append(2, ['b']))).toMatchObject({ status: 'ok', end: 2 })
    expect(await store.readLog(key, 'S')).toEqual([entry(1, 'a'), entry(2, 'b')])
    await store.send('i1', 'awake')
    await until(() => inbox.all.includes('awake'))
  })

  test('gets its time again after this process stood still', async () => {
    const store = f.open({ commandTimeout: 500 })
    const key = newKey()
    await store.createSession(key, 'r', MINUTE)
    const all = [
      store.readSession(key, MINUTE),
      store.setData(key, 'a', '1'),
      store.append(key, append(1, ['a'], { register: call })),
    ]
    // The commands are sent, and the replies arrive while this process does not read.
    await new Promise((resolve) => setImmediate(resolve))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000)
    expect(await Promise.all(all)).toMatchObject([{ record: 'r' }, { status: 'ok' }, { status: 'ok' }])
  })

  test('is unavailable as a replica, until it is a primary again', async () => {
    const store = f.open()
    await store.createSession('k', 'r', MINUTE)
    await f.admin.replicaof('127.0.0.1', 1)
    await expect(store.createSession('l', 'r', MINUTE)).rejects.toThrow(StoreUnavailable)
    await f.admin.replicaof('NO', 'ONE')
    expect(await store.createSession('l', 'r', MINUTE)).toEqual({ status: 'ok' })
  })

  test('has everything after a restart from its append-only file', async () => {
    const kept = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    const store = f.open({ url: kept.url, commandTimeout: 2_500 })
    const { inbox, receiver } = inboxOf()
    const key = newKey()
    await store.createSession(key, 'r', MINUTE, { id: 'p', max: 1 })
    await store.setData(key, 'a', '1')
    await store.subscribe(key, 'file:///a', 10)
    await store.append(key, append(1, ['a'], { register: { ...call, holder: 'i1:c1' }, asks: ['q'] }))
    await store.take(key, 'get', 'i1:c2', undefined)
    await store.post(key, 'get', 'm', 't1', 'p1')
    await store.publish({ kind: 'tools' })
    await store.receive('i1', receiver)
    await kept.kill()
    await kept.restart()
    await until(() => answers(store))

    expect(await store.readSession(key, MINUTE)).toMatchObject({ record: 'r', level: undefined })
    expect(await store.getData(key, 'a')).toBe('1')
    expect(await store.subscriptions(key)).toEqual(['file:///a'])
    expect(await store.append(key, append(2, ['b']))).toMatchObject({ status: 'ok', end: 2, holder: 'i1:c1' })
    expect(await store.answer(key, 'q', 'yes')).toEqual({ status: 'ok', owner: 'i1:run1' })
    expect(await store.look(key, 'get', 'i1:c2', { n: 0, tag: '' }, MINUTE)).toMatchObject({ entries: [entry(1, 'm')] })
    expect((await store.changesAfter('0-0')).entries).toHaveLength(1)
    expect(await store.createSession(newKey(), 'r', MINUTE, { id: 'p', max: 1 })).toEqual({ status: 'full' })
    await until(() => inbox.all.includes('resumed'))
    await store.send('i1', 'after')
    await until(() => inbox.all.includes('after'))
    await kept.stop()
  })

  test('delivers again after a restart without data and with a clock that is behind', async () => {
    const forgetful = await startRedis()
    const store = f.open({ url: forgetful.url })
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
