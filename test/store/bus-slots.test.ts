/** Mailboxes and copies of the list of changes in several slots of a cluster. */
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newInstanceId } from '../../lib/runtime/name.ts'
import { busSlotOf } from '../../lib/store/bus.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { Receiver, Store } from '../../lib/store/store.ts'
import { type RedisCluster, startCluster } from '../support/redis.ts'
import { Inbox, newKey, until } from './contract/support.ts'

const SLOTS = 4
let cluster: RedisCluster
let admin: Redis[]
let opened: Store[] = []

beforeAll(async () => {
  cluster = await startCluster()
  admin = cluster.nodes.map(({ url }) => new Redis(url))
})
afterAll(async () => {
  for (const node of admin) node.disconnect()
  await cluster.stop()
})
beforeEach(() => Promise.all(admin.map((node) => node.flushall())))
afterEach(async () => {
  await Promise.all(opened.map((store) => store.close()))
  opened = []
})

function open(busSlots?: number, blockTime = 200): Store {
  const store = redisStore({ cluster: cluster.urls, busSlots, blockTime })
  opened.push(store)
  return store
}

/** An instance in this slot, and what it receives: mail, the URIs of updates, and `resumed`. */
async function instance(store: Store, slot: number) {
  const id = slot === 0 ? `${newKey()}~` : `${newKey()}.${slot}~`
  const inbox = new Inbox<string>()
  const receiver: Receiver = {
    mail: inbox.add,
    change: ({ change }) => inbox.add('uri' in change ? change.uri : change.kind),
    resumed: () => inbox.add('resumed'),
  }
  await store.up(id, 60_000, '1')
  await store.receive(id, receiver)
  return { id, inbox, uris: () => inbox.all.filter((item) => item.startsWith('u')) }
}

const update = (store: Store, n: number) => store.publish({ kind: 'updated', uri: `u${n}` })

/** Runs a command at the node that has the key. */
async function atNode(key: string, ...command: [string, ...string[]]): Promise<unknown> {
  for (const node of admin) {
    const reply = await node.call(...command).catch((error: Error) => {
      if (!error.message.startsWith('MOVED')) throw error
    })
    if (reply !== undefined) return reply
  }
  throw new Error(`No node has ${key}.`)
}
const copyOf = (slot: number) => `mcp:{bus.${slot}}:changes`

test('the ids of instances name their slots evenly, and the first slot as builds before named it', () => {
  const ids = Array.from({ length: 400 }, () => newInstanceId(SLOTS))
  for (let slot = 0; slot < SLOTS; slot++) {
    expect(ids.filter((id) => busSlotOf(id) === slot).length).toBeGreaterThan(50)
  }
  expect(newInstanceId()).toMatch(/^[\w-]{12}~$/)
  expect(busSlotOf(newInstanceId())).toBe(0)
})

describe('a bus of several slots', () => {
  test('delivers mail and changes to instances of each slot, and mail before the changes that follow it', async () => {
    const store = open(SLOTS)
    const all = await Promise.all(Array.from({ length: SLOTS }, (_, slot) => instance(store, slot)))
    const sender = open(SLOTS)
    for (const { id } of all) await sender.send(id, 'mail')
    for (let n = 0; n < 30; n++) await update(sender, n)
    const wanted = ['mail', ...Array.from({ length: 30 }, (_, n) => `u${n}`)]
    for (const { inbox } of all) expect(await inbox.have(31)).toEqual(wanted)
    expect(await atNode('box', 'EXISTS', `mcp:{bus.2}:box:${all[2]?.id}`)).toBe(1)
  })

  test('delivers each change once and in order where many publish at once', async () => {
    const store = open(SLOTS)
    const all = await Promise.all([instance(store, 1), instance(store, 3)])
    const senders = Array.from({ length: 5 }, () => open(SLOTS))
    await Promise.all(senders.flatMap((sender, i) => Array.from({ length: 40 }, (_, n) => update(sender, 100 * i + n))))
    for (const { inbox, uris } of all) {
      await inbox.have(200)
      const { entries } = await store.changesAfter('0-0')
      expect(uris()).toEqual(entries.map(({ change }) => 'uri' in change && change.uri))
    }
  })

  test('has what a build before published, soon and in order', async () => {
    const store = open(SLOTS, 100)
    const { inbox, uris } = await instance(store, 2)
    const before = open()
    await update(before, 1)
    await until(() => uris().length === 1)
    await update(before, 2)
    await update(open(SLOTS), 3)
    await inbox.have(3)
    expect(uris()).toEqual(['u1', 'u2', 'u3'])
  })

  test('an instance begins with the changes from now on', async () => {
    const sender = open(SLOTS)
    await update(sender, 1)
    const { inbox } = await instance(open(SLOTS), 1)
    await update(sender, 2)
    expect(await inbox.have(1)).toEqual(['u2'])
  })

  test('a copy that was lost begins again where its instances stood', async () => {
    const store = open(SLOTS, 100)
    const { inbox, uris } = await instance(store, 1)
    const sender = open(SLOTS)
    await update(sender, 1)
    await inbox.have(1)
    await atNode('copy', 'DEL', copyOf(1))
    await update(sender, 2)
    await until(() => uris().length === 2)
    // Another instance begins the copy where the list is now: the one that waits has missed a change.
    await atNode('copy', 'DEL', copyOf(1))
    await update(open(), 3)
    await instance(store, 1)
    await until(() => uris().length >= 3)
    expect(uris()).toEqual(['u1', 'u2', 'u3'])
  })

  test('a slot in which nobody waits has no copy, and every key has a lifetime', async () => {
    const store = open(SLOTS)
    await instance(store, 1)
    await update(store, 1)
    expect(await atNode('copy', 'EXISTS', copyOf(2))).toBe(0)
    for (const node of admin) for (const key of await node.keys('*')) expect(await node.pttl(key), key).not.toBe(-1)
  })

  test('a copy is as long as the list at most', async () => {
    const store = redisStore({ cluster: cluster.urls, busSlots: 2, changes: 5 })
    opened.push(store)
    const { inbox } = await instance(store, 1)
    for (let n = 0; n < 20; n++) await update(store, n)
    await until(() => inbox.all.includes('u19'))
    expect(await atNode('copy', 'XLEN', copyOf(1))).toBe(5)
  })
})

test('a store refuses a number of slots that is none', () => {
  expect(() => redisStore({ url: 'redis://h', busSlots: 0 })).toThrow(/busSlots of the store must be a whole number/)
})
