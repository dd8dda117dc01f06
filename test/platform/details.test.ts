/** What `/readyz?details` says, and who gets it. */
import { expect, test } from 'vitest'
import { channels, publish } from '../../lib/base/events.ts'
import { createEndpoint } from '../../lib/endpoint.ts'
import { type Asking, detailsOf, isTrusted } from '../../lib/platform/node/details.ts'
import { ReadinessCheck } from '../../lib/platform/node/readiness.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import type { AdminStore } from '../../lib/store/store.ts'
import { StoreUnavailable } from '../../lib/store/unavailable.ts'
import { ManualClock } from '../support/manual-clock.ts'

function start(facts: AdminStore['facts'] | undefined) {
  const clock = new ManualClock()
  const kept = memoryStore()
  const store = facts ? { ...kept, name: 'redis', admin: async () => ({ facts }) as AdminStore } : kept
  const endpoint = createEndpoint(new McpServer({ name: 'notes', version: '2.1' }), { store, clock })
  const leaving = { begun: false }
  const readiness = new ReadinessCheck({ store, clock, lease: 10_000, leaving })
  return { clock, endpoint, leaving, read: detailsOf({ endpoint, store, readiness, leaving, clock }) }
}

test('the details have the state, the versions, memory, latency and whether the process leaves', async () => {
  const facts = async () => ({ mode: 'standalone', version: '7.2.4', memory: { used: 10, max: 100 } })
  const { endpoint, leaving, read } = start(facts)
  expect(await read()).toEqual({
    state: 'ok',
    instance: endpoint.instanceId,
    server: { name: 'notes', version: '2.1' },
    node: process.versions.node,
    uptimeSeconds: expect.any(Number),
    draining: false,
    calls: 0,
    streams: 0,
    memory: {
      rss: expect.any(Number),
      heapUsed: expect.any(Number),
      heapLimit: expect.any(Number),
      requests: 0,
      output: 0,
    },
    store: {
      name: 'redis',
      latencyMs: expect.any(Number),
      mode: 'standalone',
      version: '7.2.4',
      memory: { used: 10, max: 100 },
    },
  })
  expect((await read()).uptimeSeconds).toBeLessThanOrEqual(Math.ceil(process.uptime()))
  leaving.begun = true
  expect(await read()).toMatchObject({ state: 'leaving', draining: true })
})

test('a store without operators, and one that does not answer them, leave their part out', async () => {
  expect((await start(undefined).read()).store).toEqual({ name: 'memory', latencyMs: expect.any(Number) })
  const hanging = start(() => new Promise(() => {}))
  const read = hanging.read()
  await hanging.clock.advance(500)
  expect((await read).store).toEqual({ name: 'redis', latencyMs: expect.any(Number) })
  const failing = start(() => Promise.reject(new Error('away')))
  expect((await failing.read()).store).toEqual({ name: 'redis', latencyMs: expect.any(Number) })
})

test('the last trouble has its cause and its time, and when it was over', async () => {
  const { clock, read } = start(undefined)
  const cause = new StoreUnavailable('Redis does not answer: connect ECONNREFUSED', { trouble: 'away' })
  const event = { store: 'redis', cause, trouble: 'away' }
  expect(channels.store.hasSubscribers).toBe(true)
  const at = new Date(clock.wall()).toISOString()
  publish('store', { ...event, state: 'lost', awayMs: 0 })
  expect((await read()).lastTrouble).toEqual({ trouble: 'away', cause: cause.message, at })
  await clock.advance(4_000)
  publish('store', { ...event, state: 'back', awayMs: 4_000 })
  const until = new Date(clock.wall()).toISOString()
  expect((await read()).lastTrouble).toEqual({ trouble: 'away', cause: cause.message, at, until })
})

const asking = (remote: string | undefined, headers: Record<string, string> = { host: 'localhost:3000' }): Asking => ({
  remote,
  header: (name) => headers[name],
})
const alone = { token: undefined, proxies: 0 }

test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '127.8.0.1'])('a request from %s may have them', (remote) => {
  for (const host of ['localhost', '127.0.0.1:8080', '[::1]:3000']) {
    expect(isTrusted(asking(remote, { host }), alone)).toBe(true)
  }
})

test('a request from elsewhere, by another name, or passed on by a proxy may not', () => {
  expect(isTrusted(asking('10.0.0.7'), alone)).toBe(false)
  expect(isTrusted(asking('::ffff:10.0.0.7'), alone)).toBe(false)
  expect(isTrusted(asking(undefined), alone)).toBe(false)
  expect(isTrusted(asking('127.0.0.1', { host: 'mcp.example.com' }), alone)).toBe(false)
  expect(isTrusted(asking('127.0.0.1', { host: 'localhost.example.com' }), alone)).toBe(false)
  expect(isTrusted(asking('127.0.0.1', {}), alone)).toBe(false)
  expect(isTrusted(asking('127.0.0.1'), { ...alone, proxies: 1 })).toBe(false)
  for (const name of ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-real-ip']) {
    expect(isTrusted(asking('127.0.0.1', { host: 'localhost', [name]: 'x' }), alone)).toBe(false)
  }
})

test('the token is enough from anywhere, and a wrong one never is', () => {
  const access = { token: 'secret', proxies: 1 }
  const by = (authorization: string, remote = '10.0.0.7') => asking(remote, { host: 'a.example.com', authorization })
  expect(isTrusted(by('Bearer secret'), access)).toBe(true)
  expect(isTrusted(by('bearer secret'), access)).toBe(true)
  expect(isTrusted(by('Bearer secre'), access)).toBe(false)
  expect(isTrusted(by('Bearer secret2'), access)).toBe(false)
  expect(isTrusted(by('Basic secret'), access)).toBe(false)
  expect(isTrusted(by('Bearer secret'), alone)).toBe(false)
})
