/** Sessions in Redis that a build opened which stored no end. */
import { expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { ACCEPT_BOTH, request } from '../support/raw.ts'
import { newKey } from './contract/support.ts'
import { redisFixture } from './redis-fixture.ts'

const HOUR = 3_600_000
const f = redisFixture()

async function undated() {
  const store = f.open()
  const key = newKey()
  await store.createSession(key, 'record', HOUR)
  await f.admin.hdel(`mcp:{${key}}`, 'end', 'born')
  return { store, key, left: () => f.admin.pttl(`mcp:{${key}}`) }
}

test('end so long after they were opened as a session may live', async () => {
  const { store, key, left } = await undated()
  expect(await store.readSession(key, undefined)).toMatchObject({ undated: true })
  expect(await store.dateSession(key, Date.now() - 90 * 60_000, 2 * HOUR)).toEqual({ status: 'ok' })
  expect(await left()).toBeLessThanOrEqual(HOUR / 2)
  expect((await store.readSession(key, undefined))?.undated).toBeUndefined()
  // No use of it and no repeat lets it live for longer.
  await store.readSession(key, HOUR, 2 * HOUR)
  await store.dateSession(key, Date.now(), 2 * HOUR)
  await store.ping()
  expect(await left()).toBeLessThanOrEqual(HOUR / 2)
})

test('are over where they are older than that', async () => {
  const { store, key } = await undated()
  expect(await store.dateSession(key, Date.now() - 3 * HOUR, 2 * HOUR)).toEqual({ status: 'gone' })
  expect(await store.readSession(key, undefined)).toBeUndefined()
})

test('live no longer than that from now on, where the clock of their instance was ahead', async () => {
  const { store, key } = await undated()
  await store.dateSession(key, Date.now() + 24 * HOUR, HOUR / 2)
  await store.readSession(key, HOUR, HOUR / 2)
  await store.ping()
  expect(await f.admin.pttl(`mcp:{${key}}`)).toBeLessThanOrEqual(HOUR / 2)
})

test('are served by an endpoint until then, and not afterwards', async () => {
  const endpoint = createEndpoint(new McpServer({ name: 'undated', version: '1' }), {
    store: f.open(),
    session: { maxLifetime: HOUR },
  })
  const post = (message: object, headers = {}) => {
    const all = { accept: ACCEPT_BOTH, 'content-type': 'application/json', ...headers }
    const init = { method: 'POST', headers: all, body: JSON.stringify(message) }
    return endpoint.fetch(new Request('http://localhost/mcp', init))
  }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } }
  for (const [age, status] of [
    [HOUR / 2, 200],
    [3 * HOUR, 404],
  ] as const) {
    await f.admin.flushall()
    const opened = await post(request(0, 'initialize', params))
    const [key = ''] = (await f.admin.keys('mcp:{*}')).filter((name) => /^mcp:\{[^}]+\}$/.test(name))
    const record = JSON.parse((await f.admin.hget(key, 'rec')) ?? '')
    await f.admin.hset(key, 'rec', JSON.stringify({ ...record, t: record.t - age }))
    await f.admin.hdel(key, 'end', 'born')
    const headers = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
    expect((await post(request(1, 'ping'), headers)).status).toBe(status)
  }
  await endpoint.close()
})
