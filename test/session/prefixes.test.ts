/** Two servers on one Redis, each behind an endpoint: with prefixes of their own they do not meet, without they do not start. */

import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { createNotifier } from '../../lib/runtime/notifier.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { Store } from '../../lib/store/store.ts'
import { body, headers } from '../stateless/requests.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage, request, toolCall } from '../support/raw.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { fromSeconds } from '../support/spread.ts'

let redis: RedisServer
const opened: { close(): Promise<void> }[] = []
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()))
  const admin = new Redis(redis.url)
  await admin.flushall()
  admin.disconnect()
})

function storeAt(prefix: string | undefined): Store {
  return redisStore({ url: redis.url, prefix })
}

function start(name: string, prefix?: string, errors: unknown[] = []): Endpoint {
  const server = new McpServer({ name, version: '1' })
  const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value ?? null) }] })
  server.registerTool('keep', {}, async (ctx) => {
    await ctx.user.set('kept', name)
    return text(name)
  })
  server.registerTool('kept', { annotations: { readOnlyHint: true } }, async (ctx) => text(await ctx.user.get('kept')))
  server.registerResource('r', 'note://1', {}, () => ({ contents: [] }))
  const options = {
    store: storeAt(prefix),
    keys: [Buffer.alloc(32, 'k')],
    onError: (error: unknown) => errors.push(error),
  }
  const endpoint = createEndpoint(server, {
    ...options,
    http: { proxies: 1, addressRate: { perSecond: 0.001, burst: 30 } },
  })
  opened.push(endpoint)
  return endpoint
}

const CLIENT = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } }

async function send(endpoint: Endpoint, message: object, more: Record<string, string> = {}) {
  const all = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...more }
  return endpoint.fetch(
    new Request('http://localhost/mcp', { method: 'POST', headers: all, body: JSON.stringify(message) }),
  )
}
async function open(endpoint: Endpoint): Promise<{ 'mcp-session-id': string }> {
  const response = await send(endpoint, request(0, 'initialize', CLIENT))
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
}
async function streamOf(endpoint: Endpoint, session: Record<string, string>): Promise<EventReader> {
  const init = { headers: { accept: 'text/event-stream', ...session } }
  return new EventReader(await endpoint.fetch(new Request('http://localhost/mcp', init)))
}
const textOf = async (response: Response) => ((await response.json()) as RpcMessage).result.content[0].text

test('with prefixes of their own they share no session, value, change, count or mail, even with one secret', async () => {
  const [notes, mail] = [start('notes', 'notes'), start('mail', 'mail')]
  const [first, second] = [await open(notes), await open(mail)]
  expect((await send(mail, request(1, 'ping'), first)).status).toBe(404)
  expect((await send(notes, request(1, 'ping'), second)).status).toBe(404)
  expect(await textOf(await send(notes, toolCall(2, 'keep'), first))).toBe('"notes"')
  expect(await textOf(await send(mail, toolCall(2, 'kept'), second))).toBe('null')

  const [ofNotes, ofMail] = [await streamOf(notes, first), await streamOf(mail, second)]
  const notifier = storeAt('mail')
  opened.push(notifier)
  await notes.notify.resourcesChanged()
  await createNotifier(notifier).promptsChanged()
  expect((await ofNotes.message())?.method).toBe('notifications/resources/list_changed')
  expect((await ofMail.message())?.method).toBe('notifications/prompts/list_changed')
  ofNotes.drop()
  ofMail.drop()

  const from = { 'x-forwarded-for': '203.0.113.9', ...first }
  const statuses = new Set<number>()
  for (let i = 0; i < 40; i++) statuses.add((await send(notes, request(i, 'ping'), from)).status)
  expect(statuses).toEqual(new Set([200, 429]))
  expect((await send(mail, request(1, 'ping'), { 'x-forwarded-for': '203.0.113.9', ...second })).status).toBe(200)
})

test('with one prefix the second gets a clear 503 at its first request, and its stateless calls go on', async () => {
  const notes = start('notes')
  const session = await open(notes)
  const errors: unknown[] = []
  const mail = start('mail', undefined, errors)
  for (const refused of [
    await send(mail, request(1, 'ping'), session),
    await send(mail, request(0, 'initialize', CLIENT)),
    await send(mail, toolCall(1, 'kept'), session),
  ]) {
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, fromSeconds(1)])
    expect(((await refused.json()) as RpcMessage).error?.message).toMatch(/store refuses this instance.*log/)
  }
  const listed = { id: 1, method: 'tools/list' }
  expect((await send(mail, body(listed), headers(listed))).status).toBe(200)
  const kept = { id: 2, method: 'tools/call', params: { name: 'keep', arguments: {} } }
  expect(((await (await send(mail, body(kept), headers(kept))).json()) as RpcMessage).result.isError).toBe(true)
  expect(await textOf(await send(notes, toolCall(2, 'kept'), session))).toBe('null')
})

test('two names for one store are refused when the second endpoint is made', () => {
  const store = storeAt(undefined)
  opened.push(store)
  createEndpoint(new McpServer({ name: 'notes', version: '1' }), { store })
  expect(() => createEndpoint(new McpServer({ name: 'mail', version: '1' }), { store })).toThrow(/"notes" and "mail"/)
})
