/** What many sessions ask at the same moment, as Redis sees it: heartbeats go together, and so do changes that are published quickly. */
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { type Change, type Store, StoreUnavailable } from '../../lib/store/store.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ACCEPT_BOTH, EventReader, request } from '../support/raw.ts'
import { append, call, MINUTE, newKey } from './contract/support.ts'
import { redisFixture } from './redis-fixture.ts'

const f = redisFixture()
const START = { n: 0, tag: '' }
const HOUR = 60 * MINUTE

/** How many scripts, or other commands, Redis has run since the last question. */
async function counted(...names: string[]): Promise<number> {
  const [stats] = (await f.admin.multi().info('commandstats').config('RESETSTAT').exec()) ?? []
  const wanted = names.length > 0 ? names : ['eval', 'evalsha']
  const found = [...String(stats?.[1]).matchAll(/^cmdstat_(\w+):calls=(\d+)/gm)]
  return found.reduce((sum, [, name, calls]) => sum + (wanted.includes(String(name)) ? Number(calls) : 0), 0)
}

/** Sessions whose own stream a connection of the instance i1 holds. */
async function sessions(store: Store, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, newKey)
  await Promise.all(
    keys.map(async (key) => {
      await store.createSession(key, 'record', MINUTE)
      await store.take(key, 'get', 'i1:c1', undefined)
    }),
  )
  await counted()
  return keys
}

const looks = (store: Store, keys: string[]) =>
  Promise.all(keys.map((key) => store.look(key, 'get', 'i1:c1', START, HOUR)))

describe('the heartbeats of one moment', () => {
  test('are one script for fifty sessions, and slide the lifetime of each', async () => {
    const store = f.open()
    const keys = await sessions(store, 120)
    const found = await looks(store, keys)
    expect(await counted()).toBe(3)
    expect(found).toEqual(keys.map(() => expect.objectContaining({ status: 'ok', entries: [], ended: false })))
    for (const key of keys) expect(await f.admin.pttl(`mcp:{${key}}`)).toBeGreaterThan(MINUTE)
  })

  test('have a reply each: missed messages, another holder, a session that has ended', async () => {
    const store = f.open()
    const keys = await sessions(store, 60)
    const [missed, moved, gone] = keys as [string, string, string]
    await store.post(missed, 'get', 'first', 't1', 'p1')
    await store.post(missed, 'get', 'second', 't1', 'p2')
    await store.take(moved, 'get', 'i2:c9', undefined)
    await store.deleteSession(gone)
    const found = await looks(store, keys)
    expect(found[0]).toMatchObject({
      status: 'ok',
      entries: [
        { n: 1, tag: 't1', data: 'first' },
        { n: 2, tag: 't1', data: 'second' },
      ],
    })
    expect(found.slice(1, 3)).toEqual([{ status: 'moved' }, { status: 'gone' }])
    expect(found.slice(3).every(({ status }) => status === 'ok')).toBe(true)
  })

  test('fail for one session only where its keys are damaged', async () => {
    const store = f.open()
    const keys = await sessions(store, 60)
    const damaged = keys[7] as string
    await f.admin.set(`mcp:{${damaged}}:live`, 'no hash', 'PX', MINUTE)
    const found = await Promise.allSettled(keys.map((key) => store.look(key, 'get', 'i1:c1', START, HOUR)))
    expect(found.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    expect(found[7]).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailable) })
    expect(String((found[7] as PromiseRejectedResult).reason)).toContain('WRONGTYPE')
    for (const key of keys.slice(8)) expect(await f.admin.pttl(`mcp:{${key}}`)).toBeGreaterThan(MINUTE)
  })

  test('fail together where Redis takes no writes, for the client to look for the primary', async () => {
    const store = f.open()
    const keys = await sessions(store, 60)
    await f.admin.replicaof('127.0.0.1', 1)
    const found = await Promise.allSettled(keys.map((key) => store.look(key, 'get', 'i1:c1', START, HOUR)))
    for (const one of found) expect(one).toMatchObject({ status: 'rejected', reason: { trouble: 'readonly' } })
    await f.admin.replicaof('NO', 'ONE')
    expect((await looks(store, keys)).every(({ status }) => status === 'ok')).toBe(true)
  })

  test('go on when Redis has lost the script', async () => {
    const store = f.open()
    const keys = await sessions(store, 20)
    await looks(store, keys)
    await f.admin.script('FLUSH')
    expect((await looks(store, keys)).every(({ status }) => status === 'ok')).toBe(true)
  })

  test('are one script through a client of the author, also of another copy of its package', async () => {
    const require = createRequire(import.meta.url)
    const path = require.resolve('ioredis')
    const folder = dirname(path)
    const known = Object.keys(require.cache).filter((file) => file.startsWith(folder))
    for (const file of known) delete require.cache[file]
    const { Redis: Copy }: typeof import('ioredis') = require(path)
    expect(new Copy(1, { lazyConnect: true })).not.toBeInstanceOf(Redis)
    const client = new Copy(f.server.url, { lazyConnect: true })
    const store = redisStore({ client })
    const keys = await sessions(store, 60)
    expect((await looks(store, keys)).every(({ status }) => status === 'ok')).toBe(true)
    expect(await counted()).toBeLessThanOrEqual(4)
    await store.close()
    client.disconnect()
  })

  test('are one script for the runs of calls too, each with the answers to its own asks', async () => {
    const store = f.open()
    const keys = await sessions(store, 30)
    await Promise.all(
      keys.map(async (key, i) => {
        await store.append(key, append(1, ['question'], { register: call, asks: [`a${i}`] }))
        await store.answer(key, `a${i}`, `answer ${i}`)
      }),
    )
    await counted()
    const look = (key: string, i: number) =>
      store.lookCall(key, 'S', 'i1:run1', i % 2 === 0 ? [`a${i}`] : ['other', `a${i}`], HOUR)
    const found = await Promise.all(keys.map(look))
    expect(await counted()).toBe(1)
    for (const [i, one] of found.entries()) {
      expect(one).toMatchObject({ status: 'ok', answers: new Map([[`a${i}`, `answer ${i}`]]) })
    }
  })
})

test('the steps of many sessions through the list of changes are one script for 25, each with entries of its own', async () => {
  const store = f.open()
  const keys = await sessions(store, 60)
  const positions = await Promise.all(keys.map((key) => store.changePosition(key)))
  await store.take(keys[3] as string, 'get', 'i2:c9', undefined)
  await store.post(keys[4] as string, 'get', 'before', 't0', 'p1')
  await store.publish({ kind: 'tools' })
  const to = (await store.changesAfter(positions[0] ?? '')).entries.at(-1)?.at ?? ''
  await counted()
  const step = (key: string, i: number) =>
    store.advance(key, {
      holder: 'i1:c1',
      tag: 't1',
      from: positions[i] ?? '',
      to,
      messages: [`for ${i}`],
      updates: [],
    })
  const found = await Promise.all(keys.map(step))
  expect(await counted()).toBe(3)
  for (const [i, reply] of found.entries()) {
    const entries = [{ n: i === 4 ? 2 : 1, tag: 't1', data: `for ${i}`, final: false }]
    expect(reply).toEqual(i === 3 ? { status: 'moved' } : { status: 'ok', entries })
  }
  // A step whose reply was lost is sent again, and gets what it has added.
  expect(await Promise.all(keys.map(step))).toEqual(found)
})

describe('the idle streams of an instance', () => {
  const STREAMS = 200

  test('cost less than a seventh of a script for each heartbeat, and get what mail has lost', async () => {
    const clock = new ManualClock()
    const server = new McpServer({ name: 'idle', version: '1' })
    server.registerTool('one', {}, () => ({ content: [] }))
    const store = f.open()
    const endpoint = createEndpoint(server, { clock, store })
    const send = (method: string, more: Record<string, string>, body?: object) => {
      const headers = { accept: method === 'GET' ? 'text/event-stream' : ACCEPT_BOTH, ...more }
      const init = {
        method,
        headers: { ...headers, 'content-type': 'application/json' },
        body: body ? JSON.stringify(body) : null,
      }
      return endpoint.fetch(new Request('http://localhost/mcp', init))
    }
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } }
    const readers = await Promise.all(
      Array.from({ length: STREAMS }, async () => {
        const opened = await send('POST', {}, request(0, 'initialize', params))
        return new EventReader(await send('GET', { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }))
      }),
    )
    const sessions = (await f.admin.keys('mcp:{*}')).filter((key) => /^mcp:\{[^}]{20,}\}$/.test(key))
    expect(sessions).toHaveLength(STREAMS)
    const other = f.open()
    const text = (n: number) => JSON.stringify({ jsonrpc: '2.0', method: `lost/${n}` })
    await Promise.all(sessions.map((key, n) => other.post(key.slice(5, -1), 'get', text(n), 't1', 'p1')))
    await Promise.all(sessions.map((key) => f.admin.pexpire(key, MINUTE)))
    await counted()
    await clock.advance(15_000)
    const got = await Promise.all(readers.map(async (reader) => (await reader.message())?.method))
    expect(new Set(got)).toEqual(new Set(sessions.map((_, n) => `lost/${n}`)))
    expect(await counted()).toBeLessThan(STREAMS / 7)
    await eventually(async () => {
      const left = await Promise.all(sessions.map((key) => f.admin.pttl(key)))
      return left.every((ms) => ms > MINUTE) ? true : undefined
    })
    await endpoint.close()
  })
})

describe('changes that are published quickly', () => {
  const updated = (n: number): Change => ({ kind: 'updated', uri: `note://${n}` })
  const listed = async (store: Store, from: string) =>
    (await store.changesAfter(from)).entries.map(({ change }) => ('uri' in change ? change.uri : change.kind))

  test('go together, in their order', async () => {
    const store = f.open()
    await store.ping()
    await counted()
    await Promise.all(Array.from({ length: 250 }, (_, n) => store.publish(updated(n))))
    expect(await counted()).toBe(3)
    expect(await listed(store, '0-0')).toEqual(Array.from({ length: 250 }, (_, n) => `note://${n}`))
  })

  test('are one where they are equal and none of them has left yet', async () => {
    const store = f.open()
    await store.ping()
    const first = Promise.all([updated(1), { kind: 'tools' } as const, updated(1)].map((one) => store.publish(one)))
    // The first script leaves with this turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve))
    await Promise.all([first, ...Array.from({ length: 500 }, (_, n) => store.publish(updated(n % 2)))])
    expect(await listed(store, '0-0')).toEqual(['note://1', 'tools', 'note://0', 'note://1'])
    // The same change again is news to those that have read the last.
    await store.publish(updated(1))
    expect(await listed(store, '0-0')).toHaveLength(5)
  })

  test('reject with the script that had them, and those that follow go on', async () => {
    const store = f.open()
    await store.ping()
    await f.admin.set('mcp:{bus}:changes', 'no stream', 'PX', MINUTE)
    const failed = await Promise.allSettled([store.publish(updated(1)), store.publish(updated(2))])
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await f.admin.del('mcp:{bus}:changes')
    await store.publish(updated(3))
    expect(await listed(store, '0-0')).toEqual(['note://3'])
  })
})
