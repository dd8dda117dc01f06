/** The cost of a request at Redis: Redis counts its commands, a proxy counts the round trips. */

import { type AddressInfo, createServer, connect as dial, type Server } from 'node:net'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { Store } from '../../lib/store/store.ts'
import { everything } from '../fixtures/everything.ts'
import { body, headers, tool } from '../stateless/requests.ts'
import { eventually } from '../support/eventually.ts'
import { ACCEPT_BOTH } from '../support/raw.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

let redis: RedisServer
let proxy: Server
let store: Store
let endpoint: Endpoint
let admin: Redis
/**
 * Packets from the endpoint to Redis. Where each reply is awaited before the next command, a packet is a round trip.
 */
let sent = 0

beforeAll(async () => {
  redis = await startRedis()
  admin = new Redis(redis.url)
  proxy = createServer((socket) => {
    const upstream = dial(redis.port, redis.host)
    socket.on('data', (chunk) => {
      sent++
      upstream.write(chunk)
    })
    upstream.on('data', (chunk) => socket.write(chunk))
    socket.on('close', () => upstream.destroy())
    upstream.on('close', () => socket.destroy())
    for (const each of [socket, upstream]) each.on('error', () => {})
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  store = redisStore(`redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`)
  endpoint = createEndpoint(everything(), { store })
})
afterAll(async () => {
  await endpoint.close()
  await admin.quit()
  proxy.close()
  await redis.stop()
})

async function post(message: object, extra: Record<string, string> = {}): Promise<Response> {
  const all = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...extra }
  const init = { method: 'POST', headers: all, body: JSON.stringify(message) }
  return endpoint.fetch(new Request('http://localhost/mcp', init))
}

async function open(): Promise<Record<string, string>> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } }
  const response = await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
}

/** Commands by name since the last call. The counters are read and reset in one transaction, so that none is missed. */
async function commands(): Promise<Record<string, number>> {
  const [counts] = (await admin.multi().info('commandstats').config('RESETSTAT').exec()) ?? []
  const info = String(counts?.[1])
  const counted = [...info.matchAll(/cmdstat_([^:|]+)[^:]*:calls=(\d+)/g)].map(([, name, calls]) => [
    name,
    Number(calls),
  ])
  return Object.fromEntries(
    counted.filter(([name]) => !['info', 'config', 'client', 'hello', 'multi', 'exec'].includes(String(name))),
  )
}

beforeEach(async () => {
  await open()
  await commands()
})

test('a short tool call takes one round trip and one command, which reads the session', async () => {
  const session = await open()
  const calls = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: { message: 'x' } } }
  await commands()
  await (await post(calls, session)).text()
  // The first call also extends the session, in the background.
  await eventually(async () => (await commands()).pexpire)
  const before = sent
  await (await post(calls, session)).text()
  expect(sent - before).toBe(1)
  expect(await commands()).toEqual({ hmget: 1 })
})

test('sixteen calls at once share round trips', async () => {
  const session = await open()
  const before = sent
  await Promise.all(
    Array.from({ length: 16 }, async (_, id) => {
      const params = { name: 'echo', arguments: { message: 'x' } }
      await (await post({ jsonrpc: '2.0', id, method: 'tools/call', params }, session)).text()
    }),
  )
  expect(sent - before).toBeLessThanOrEqual(16)
})

test('a stateless call takes no round trip', async () => {
  const before = sent
  const request = tool('echo', { message: 'x' })
  const answer = await (await post(body(request), headers(request))).json()
  expect(answer).toMatchObject({ result: { resultType: 'complete' } })
  expect(sent - before).toBe(0)
})

test('initialize takes one round trip', async () => {
  const before = sent
  await open()
  expect(sent - before).toBe(1)
})

test('calls of which each is an invocation of a function take one command each, and the lifetime slides once', async () => {
  const session = await open()
  const calls = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: { message: 'x' } } }
  await commands()
  for (let i = 0; i < 50; i++) {
    endpoint.wake(2_000)
    await (await post(calls, session)).text()
    await endpoint.rest()
  }
  expect(await commands()).toMatchObject({ hmget: 50, pexpire: 1 })
  // After a sleep of unknown length it may be due.
  endpoint.wake(Number.POSITIVE_INFINITY)
  await (await post(calls, session)).text()
  await endpoint.rest()
  expect(await commands()).toMatchObject({ hmget: 1, pexpire: 1 })
})
