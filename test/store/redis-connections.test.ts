import { describe, expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { StoreUnavailable } from '../../lib/store/store.ts'
import { startRedis } from '../support/redis.ts'
import { append, call, MINUTE, newKey, until } from './contract/support.ts'
import { inboxOf, redisFixture } from './redis-fixture.ts'

const f = redisFixture()
/** Its lifetime slides every 36 s at most. */
const HOUR = 60 * MINUTE

/** The connections that Redis has, without that of the test. */
async function connections(): Promise<number> {
  return (
    String(await f.admin.client('LIST'))
      .trim()
      .split('\n').length - 1
  )
}

/** How often Redis was sent each command since the last reset of its statistics. */
async function commandCounts(): Promise<Record<string, number>> {
  const info = await f.admin.info('commandstats')
  return Object.fromEntries([...info.matchAll(/cmdstat_(\S+?):calls=(\d+)/g)].map(([, name, n]) => [name, Number(n)]))
}

describe('connections', () => {
  test('the first command opens one, and receiving opens a second', async () => {
    const store = f.open()
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

  test('reading a session is one command, and another where its lifetime is to slide', async () => {
    const store = f.open({ url: f.proxy.url })
    const key = newKey()
    const name = `mcp:{${key}}`
    await store.createSession(key, 'r', 1_000)
    const read = async (lifetime: number) => {
      await f.admin.config('RESETSTAT')
      const before = f.proxy.requests
      expect(await store.readSession(key, lifetime)).toBeDefined()
      await store.ping()
      const { hmget, pexpire } = await commandCounts()
      return { sent: f.proxy.requests - before, hmget, pexpire }
    }
    expect(await read(HOUR)).toMatchObject({ hmget: 1, pexpire: 1 })
    expect(await f.admin.pttl(name)).toBeGreaterThan(3_590_000)
    expect(await read(HOUR)).toEqual({ sent: 2, hmget: 1, pexpire: undefined })
    // Whose clock is behind or ahead slides it too.
    for (const away of [-40_000, 3_600_000]) {
      await f.admin.hset(name, 'slid', Date.now() + away)
      expect(await read(HOUR)).toMatchObject({ hmget: 1, pexpire: 1 })
    }
    const left = await f.admin.pttl(name)
    expect(left).toBeLessThanOrEqual(3_640_000)
    await f.admin.del(name)
    expect(await store.readSession(key, HOUR)).toBeUndefined()
    expect(await f.admin.exists(name)).toBe(0)
  })

  test('commands of one turn share a round trip', async () => {
    const store = f.open({ url: f.proxy.url })
    await store.ping()
    const before = f.proxy.requests
    await Promise.all(Array.from({ length: 20 }, (_, i) => store.getValue('user', `${i}`)))
    expect(f.proxy.requests - before).toBe(1)
  })

  test('once it is closed, a client is told of the shutdown and not of a store that does not answer', async () => {
    const store = f.open()
    const closing = createEndpoint(new McpServer({ name: 'demo', version: '1' }), { store })
    const session = { 'Mcp-Session-Id': 'x', 'Content-Type': 'application/json', Accept: 'application/json' }
    await closing.close()
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
    const response = await closing.fetch(
      new Request('http://localhost/mcp', { method: 'POST', headers: session, body }),
    )
    expect(response.status).toBe(503)
    expect(await response.text()).toContain('since this instance shuts down')
  })

  test('scripts are sent by their hash after the first time, and in full where Redis has lost them', async () => {
    const store = f.open()
    await store.createSession(newKey(), 'r', MINUTE)
    await f.admin.config('RESETSTAT')
    await store.createSession(newKey(), 'r', MINUTE)
    expect(await commandCounts()).toMatchObject({ evalsha: 1 })
    expect(await commandCounts()).not.toHaveProperty('eval')
    await f.admin.script('FLUSH')
    const key = newKey()
    await store.createSession(key, 'r', MINUTE)
    expect(await store.readSession(key, undefined)).toBeDefined()
  })

  test('an invalid address is refused at once, and the message does not repeat it', () => {
    expect(() => redisStore('http://user:secret@host')).toThrow(TypeError)
    expect(() => redisStore('http://user:secret@host')).not.toThrow(/secret/)
    expect(() => redisStore({})).toThrow(TypeError)
  })

  test('a password is sent', async () => {
    const guarded = await startRedis({ args: ['--requirepass', 'p@ss/word'] })
    const right = f.open({ url: `redis://:${encodeURIComponent('p@ss/word')}@127.0.0.1:${guarded.port}/1` })
    const wrong = f.open({ url: `redis://:other@127.0.0.1:${guarded.port}` })
    const none = f.open({ url: guarded.url })
    await right.ping()
    await expect(wrong.ping()).rejects.toThrow(StoreUnavailable)
    await expect(none.ping()).rejects.toThrow(StoreUnavailable)
    await guarded.stop()
  })
})

describe('what Redis keeps', () => {
  test('nothing of mail that was delivered', async () => {
    const store = f.open()
    const { inbox, receiver } = inboxOf()
    await store.receive('i1', receiver)
    for (let i = 0; i < 5; i++) await store.send('i1', `m${i}`)
    await inbox.have(5)
    await until(async () => (await f.admin.xlen('mcp:{bus}:box:i1')) === 0)
  })

  test('only holders and owners of a session that was deleted', async () => {
    const store = f.open()
    const key = newKey()
    await store.createSession(key, 'r', MINUTE, { id: 'p', max: 5 })
    await store.setData(key, 'a', '1')
    await store.append(key, append(1, ['a'], { register: { ...call, request: '{}' }, asks: ['q'] }))
    await store.append(key, append(2, ['z'], { final: true, forget: ['q'] }))
    const other = { ...call, id: 'n:2', stream: 'T' }
    await store.append(key, append(1, ['b'], { stream: 'T', register: { ...other, holder: 'i1:c1' } }))
    await store.post(key, 'get', 'm', 't', 'p1')
    await store.deleteSession(key, { id: 'p' })
    expect(await f.admin.hgetall(`mcp:{${key}}:live`)).toEqual({ 's:T': 'i1:c1', 'o:T': 'i1:run1' })
    const left = (await f.admin.keys('*')).sort()
    // And the number of what was posted; no message.
    expect(left).toEqual([`mcp:{${key}}:live`, `mcp:{${key}}:post:get:p1`])
  })
})

test('a session with more logs than a JavaScript call takes arguments is deleted', async () => {
  const store = f.open()
  const key = newKey()
  await store.createSession(key, 'r', MINUTE, { id: 'p', max: 5 })
  const add = "for i = 1, 150000 do redis.call('ZADD', KEYS[1], ARGV[1], 's' .. i) end"
  await f.admin.eval(add, 1, `mcp:{${key}}:logs`, Date.now() + 60_000)
  expect(await store.deleteSession(key, { id: 'p' })).toMatchObject({ status: 'ok' })
  expect(await f.admin.keys(`mcp:{${key}}*`)).toEqual([])
})

describe('closing', () => {
  test('a store that was never used', async () => {
    const store = redisStore(f.server.url)
    await store.close()
    await store.close()
    await expect(store.ping()).rejects.toThrow(StoreUnavailable)
    await expect(store.receive('i1', inboxOf().receiver)).rejects.toThrow(StoreUnavailable)
    expect(await connections()).toBe(0)
  })

  test('writes the commands that are waiting', async () => {
    const store = f.open()
    const writes = Array.from({ length: 200 }, (_, i) => store.setValue('user', `k${i}`, 'v', MINUTE))
    await store.close()
    await Promise.all(writes)
    expect(await f.admin.dbsize()).toBe(200)
  })

  test('a store whose Redis is gone', async () => {
    const gone = await startRedis()
    const store = f.open({ url: gone.url })
    const { receiver } = inboxOf()
    await store.receive('i1', receiver)
    await store.ping()
    await gone.stop()
    const failed = expect(store.ping()).rejects.toThrow(StoreUnavailable)
    await store.close()
    await failed
  })
})
