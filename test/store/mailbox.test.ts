/** Mailboxes that nobody reads: their bounds, and mail to instances without a sign of life. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { sealedStore } from '../../lib/store/sealed.ts'
import type { Receiving, Store } from '../../lib/store/store.ts'
import { newKey, until } from './contract/support.ts'
import { inboxOf, redisFixture } from './redis-fixture.ts'

const f = redisFixture()
const MIB = 1024 * 1024

/** An id of this build. */
const signed = () => `${newKey()}~`

describe.each([
  ['memory', () => memoryStore({ mail: { bytes: MIB, messages: 100 } })],
  ['Redis', () => redisStore({ url: f.server.url, blockTime: 200, mail: { bytes: MIB, messages: 100 } })],
  [
    'Redis, sealed',
    () => sealedStore(redisStore({ url: f.server.url, blockTime: 200, mail: { bytes: MIB } }), [Buffer.alloc(32)]),
  ],
])('a mailbox in %s', (_name, make) => {
  let store: Store
  const receiving: Receiving[] = []
  beforeAll(() => {
    store = make()
  })
  afterAll(async () => {
    await Promise.all(receiving.map((one) => one.stop()))
    await store.close()
  })
  const receive = async (instance: string) => {
    const { inbox, receiver } = inboxOf()
    receiving.push(await store.receive(instance, receiver))
    return inbox
  }

  test('holds a bounded number of bytes, and its instance compares with the store what it lost', async () => {
    const instance = signed()
    await store.up(instance, 60_000, '1')
    const part = 'x'.repeat(100_000)
    // Ten times as much as it holds.
    for (let i = 0; i < 105; i++) await store.send(instance, `${i} ${part}`)
    const inbox = await receive(instance)
    await store.send(instance, 'last')
    await until(() => inbox.all.includes('last'))
    const got = inbox.all
    expect(got[0]).toBe('resumed')
    expect(got.slice(1).join('').length).toBeLessThan(MIB)
    // What it holds is the newest, in order, without a hole.
    const numbers = got.slice(1, -1).map((text) => Number(text.split(' ')[0]))
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => 105 - numbers.length + i))
  })

  test('takes a message that is larger than its bound, alone', async () => {
    const instance = signed()
    await store.up(instance, 60_000, '1')
    await store.send(instance, 'small')
    await store.send(instance, 'x'.repeat(2 * MIB))
    const inbox = await receive(instance)
    await inbox.have(2)
    expect(inbox.all.map((text) => text.slice(0, 7))).toEqual(['resumed', 'xxxxxxx'])
  })

  test('that is read loses nothing, however much passes through it', async () => {
    const instance = signed()
    await store.up(instance, 60_000, '1')
    const inbox = await receive(instance)
    const part = 'x'.repeat(100_000)
    for (let i = 0; i < 40; i++) {
      await store.send(instance, `${i} ${part}`)
      await inbox.have(i + 1)
    }
    expect(inbox.all).not.toContain('resumed')
  })

  test('of an instance without a sign of life gets no mail', async () => {
    const instance = signed()
    await store.send(instance, 'too early')
    await store.up(instance, 60_000, '1')
    await store.send(instance, 'kept')
    await store.down(instance)
    await store.send(instance, 'too late')
    await store.up(instance, 60_000, '1')
    const inbox = await receive(instance)
    await store.send(instance, 'now')
    await inbox.have(1)
    expect(inbox.all).toEqual(['now'])
  })

  test('of an instance whose sign of life has lapsed gets no mail', async () => {
    const instance = signed()
    await store.up(instance, 1, '1')
    await until(async () => (await store.alive([instance]))[0] === false)
    for (let i = 0; i < 10; i++) await store.send(instance, 'lapsed')
    const inbox = await receive(instance)
    await store.up(instance, 60_000, '1')
    await store.send(instance, 'now')
    await inbox.have(1)
    expect(inbox.all).toEqual(['now'])
  })

  test('of an instance of a build before is kept without a sign that its script can see', async () => {
    const instance = newKey()
    await store.send(instance, 'kept')
    expect(await (await receive(instance)).have(1)).toEqual(['kept'])
  })
})

test('mail of builds before and of this one waits in one mailbox', async () => {
  const store = f.open({ mail: { bytes: 1_000 } })
  const instance = signed()
  await store.up(instance, 60_000, '1')
  const box = `mcp:{bus}:box:${instance}`
  await f.admin.xadd(box, '*', 'm', 'before')
  await store.send(instance, 'now')
  await f.admin.xadd(box, '*', 'm', 'before again')
  await store.send(instance, 'now again')
  const { inbox, receiver } = inboxOf()
  const receiving = await store.receive(instance, receiver)
  expect(await inbox.have(4)).toEqual(['before', 'now', 'before again', 'now again'])
  await receiving.stop()
})
