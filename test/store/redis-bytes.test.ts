/** Counts of bytes in Redis beside an instance of an earlier build, whose scripts do not count: never stuck, never negative. */
import { expect, test } from 'vitest'
import { append, call, MINUTE, newKey, until } from './contract/support.ts'
import { redisFixture } from './redis-fixture.ts'

const KIB = 1024
const f = redisFixture()

test('URIs that an earlier build unsubscribed from make room', async () => {
  const store = f.open()
  const key = newKey()
  await store.createSession(key, 'record', MINUTE)
  const uri = (i: number) => `note://${i}/`.padEnd(2_000, 'x')
  let n = 0
  while ((await store.subscribe(key, uri(n), 1_000)).status === 'ok') n++
  for (let i = 0; i < n; i++) await f.admin.hdel(`mcp:{${key}}`, `u:${uri(i)}`)
  await f.admin.hincrby(`mcp:{${key}}`, 'us', -n)
  for (let i = 0; i < n; i++) expect((await store.subscribe(key, uri(i), 1_000)).status).toBe('ok')
  expect((await store.subscribe(key, uri(n), 1_000)).status).toBe('full')
})

test('URIs that an earlier build subscribed to do not make the count negative', async () => {
  const store = f.open()
  const key = newKey()
  await store.createSession(key, 'record', MINUTE)
  for (const uri of ['file:///a', 'file:///b']) await f.admin.hset(`mcp:{${key}}`, `u:${uri}`, '0-0')
  await f.admin.hset(`mcp:{${key}}`, 'us', 2)
  await store.unsubscribe(key, 'file:///a')
  expect(await f.admin.hget(`mcp:{${key}}`, 'ub')).toBe('0')
  await store.subscribe(key, 'file:///c', 1_000)
  expect(await f.admin.hget(`mcp:{${key}}`, 'ub')).toBe('9')
})

test('values that an earlier build wrote or removed are counted when the bound seems to be reached', async () => {
  const store = f.open({ dataBytes: 1_000 })
  const key = newKey()
  await store.createSession(key, 'record', MINUTE)
  await store.setData(key, 'a', 'x'.repeat(900))
  await f.admin.hdel(`mcp:{${key}}`, 'd:a')
  expect(await store.setData(key, 'b', 'x'.repeat(900))).toEqual({ status: 'ok' })
  await f.admin.hset(`mcp:{${key}}`, 'd:c', 'x'.repeat(500))
  await store.setData(key, 'c', undefined)
  await store.setData(key, 'b', undefined)
  expect(await f.admin.hget(`mcp:{${key}}`, 'db')).toBe('0')
})

test('a call that an earlier build has ended is counted no longer than its parts would live', async () => {
  const store = f.open({ lifetimes: { open: 200 }, sessionBytes: 300 * KIB })
  const key = newKey()
  await store.createSession(key, 'record', MINUTE)
  await store.register(key, { ...call, request: 'x'.repeat(250 * KIB) })
  await f.admin.hdel(`mcp:{${key}}:live`, 'c:n:1', 'i:S', 'o:S', 'r:S')
  const next = async (n: number) => {
    const one = { id: `n:${n}`, stream: `T${n}`, owner: 'i1:run1' }
    await store.register(key, one)
    return (await store.append(key, append(1, ['a'], { stream: one.stream, owner: one.owner, final: true }))).held
  }
  expect(await next(2)).toBeGreaterThan(250 * KIB)
  let n = 3
  await until(async () => (await next(n++)) < 1_000)
  for (const value of Object.values(await f.admin.hgetall(`mcp:{${key}}:sizes`))) {
    expect(Number(value)).toBeGreaterThanOrEqual(0)
  }
})

test('an earlier build that deletes a session leaves counts with a lifetime', async () => {
  const store = f.open()
  const key = newKey()
  await store.createSession(key, 'record', MINUTE)
  await store.register(key, { ...call, request: 'x'.repeat(100 * KIB) })
  await f.admin.unlink(`mcp:{${key}}`, `mcp:{${key}}:live`)
  for (const name of await f.admin.keys('*')) expect(await f.admin.pttl(name), name).toBeGreaterThan(0)
})
