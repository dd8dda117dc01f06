import { describe, expect, test } from 'vitest'
import { startRedis } from '../support/redis.ts'
import { append, call, MINUTE, newKey, until } from './contract/support.ts'
import { inboxOf, redisFixture } from './redis-fixture.ts'

const f = redisFixture()

/** Where mail comes only after the waiting connection was given up: when its read has had its time and this. */
const QUICK = { commandTimeout: 2_500 }

describe('a network that fails', () => {
  test('a connection whose packets are dropped is replaced within the time of a command', async () => {
    // After 0.4 of it the connection is given up; the rest is for a new one.
    const store = f.open({ url: f.proxy.url, commandTimeout: 5_000 })
    const key = newKey()
    await store.createSession(key, 'r', MINUTE)
    f.proxy.blackhole()
    const all = await Promise.all([
      store.readSession(key, MINUTE),
      store.setData(key, 'a', '1'),
      store.append(key, append(1, ['a'], { register: call })),
    ])
    expect(all).toMatchObject([{ record: 'r' }, { status: 'ok' }, { status: 'ok' }])
    expect(f.proxy.connections).toBe(2)
  })

  test('a connection that is cut is replaced, and commands under way are sent again', async () => {
    const store = f.open({ url: f.proxy.url })
    const key = newKey()
    await store.createSession(key, 'r', MINUTE)
    for (let i = 0; i < 20; i++) {
      const writes = Array.from({ length: 10 }, (_, j) => store.setData(key, `${i}.${j}`, '1'))
      f.proxy.reset()
      expect(await Promise.all(writes)).toEqual(writes.map(() => ({ status: 'ok' })))
    }
  })

  test('an append whose reply was lost is in the log once', async () => {
    const store = f.open({ url: f.proxy.url })
    const key = newKey()
    await store.createSession(key, 'r', MINUTE)
    await store.register(key, call)
    for (let n = 1; n <= 5; n++) {
      const lost = f.proxy.loseReply()
      expect(await store.append(key, append(n, [`m${n}`]))).toMatchObject({ status: 'ok', end: n })
      await lost
    }
    expect((await store.readLog(key, 'S')).map(({ data }) => data)).toEqual(['m1', 'm2', 'm3', 'm4', 'm5'])
    const lost = f.proxy.loseReply()
    const end = { stream: 'S', owner: 'i1:run1', mark: true }
    expect(await store.endCall(key, end)).toEqual({ status: 'ok', cancelled: false, holder: undefined })
    await lost
    expect(await store.readLog(key, 'S')).toHaveLength(6)
  })

  test('a batch that was cut between its replies is finished', async () => {
    const store = f.open({ url: f.proxy.url })
    await store.setValue('user', 'a', 'v', MINUTE)
    const lost = f.proxy.loseReply('$1\r\nv\r\n'.length * 3 + 2)
    const reads = await Promise.all(Array.from({ length: 10 }, () => store.getValue('user', 'a')))
    await lost
    expect(reads).toEqual(reads.map(() => 'v'))
  })

  test('a connection to a former primary is replaced by one to the new primary', async () => {
    const next = await startRedis()
    const store = f.open({ url: f.proxy.url })
    await store.createSession('k', 'r', MINUTE)
    await f.admin.replicaof('127.0.0.1', next.port)
    f.proxy.target = next.port
    expect(await store.createSession('l', 'r', MINUTE)).toEqual({ status: 'ok' })
    await next.stop()
  })

  test('changes do not overtake mail, also behind many messages', async () => {
    const store = f.open({ url: f.proxy.url, ...QUICK })
    const sender = f.open()
    const { inbox, receiver } = inboxOf()
    await store.receive('i1', receiver)
    f.proxy.blackhole()
    const mail = Array.from({ length: 500 }, (_, i) => `m${i}`)
    await Promise.all(mail.map((message) => sender.send('i1', message)))
    await sender.publish({ kind: 'tools' })
    await inbox.have(502)
    expect(inbox.all).toEqual(['resumed', ...mail, 'tools'])
  })

  test('mail is received again after a cut, and the receiver gets resumed', async () => {
    const store = f.open({ url: f.proxy.url })
    const sender = f.open()
    const { inbox, receiver } = inboxOf()
    await store.receive('i1', receiver)
    await sender.send('i1', 'a')
    await inbox.have(1)
    f.proxy.reset()
    await sender.send('i1', 'b')
    await sender.publish({ kind: 'tools' })
    await inbox.have(4)
    expect(inbox.all.filter((item) => item !== 'resumed')).toEqual(['a', 'b', 'tools'])
    expect(inbox.all).toContain('resumed')
  })

  test('mail is received again after the packets of the waiting connection were dropped', async () => {
    const store = f.open({ url: f.proxy.url, ...QUICK })
    const sender = f.open()
    const { inbox, receiver } = inboxOf()
    await store.receive('i1', receiver)
    f.proxy.blackhole()
    await sender.send('i1', 'a')
    await sender.publish({ kind: 'tools' })
    await inbox.have(3)
    expect(inbox.all).toEqual(['resumed', 'a', 'tools'])
  })

  test('after a long sleep the connections are replaced before they are used', async () => {
    const store = f.open({ url: f.proxy.url, blockTime: 20_000 })
    const { inbox, receiver } = inboxOf()
    const key = newKey()
    await store.createSession(key, 'r', MINUTE)
    await store.receive('i1', receiver)
    store.wake(1_000)
    await store.ping()
    expect(f.proxy.connections).toBe(2)
    f.proxy.blackhole()
    store.wake(61_000)
    expect(await store.readSession(key, MINUTE)).toBeDefined()
    await store.send('i1', 'awake')
    await until(() => inbox.all.includes('awake'))
    expect(inbox.all).toContain('resumed')
    expect(f.proxy.connections).toBe(4)
  })
})
