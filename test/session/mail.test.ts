/** Mail to instances that are gone or were away: it does not pile up, and what it lost is found in the store. */
import { afterEach, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { type Store, StoreUnavailable } from '../../lib/store/store.ts'
import { interceptedStore, type Step } from '../support/intercepted-store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ACCEPT_BOTH, EventReader, request, toolCall } from '../support/raw.ts'

let endpoints: Endpoint[] = []
afterEach(async () => {
  await Promise.all(endpoints.map((endpoint) => endpoint.close()))
  endpoints = []
})

async function send(endpoint: Endpoint, method: string, headers: Record<string, string>, body?: object) {
  const accept = method === 'GET' ? 'text/event-stream' : ACCEPT_BOTH
  const init = { method, headers: { accept, 'content-type': 'application/json', ...headers } }
  return endpoint.fetch(new Request('http://localhost/mcp', { ...init, body: body ? JSON.stringify(body) : null }))
}

async function open(endpoint: Endpoint): Promise<Record<string, string>> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const response = await send(endpoint, 'POST', {}, request(0, 'initialize', params))
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
}

test('mail that was dropped while the sign of life had lapsed is found when the sign is renewed, without a heartbeat', async () => {
  const clock = new ManualClock()
  const base = memoryStore({ clock })
  let away = false
  let finish = () => {}
  const server = new McpServer({ name: 'mail', version: '1' })
  server.registerTool('work', {}, async (ctx) => {
    await ctx.progress(1)
    await new Promise<void>((resolve) => {
      finish = resolve
    })
    return { content: [{ type: 'text', text: 'done' }] }
  })
  const start = (steps: Partial<Record<keyof Store, Step>>) => {
    const store = interceptedStore({ close: async () => {}, ...steps }, base as ReturnType<typeof memoryStore>)
    const endpoint = createEndpoint(server, { store, clock, session: { heartbeat: 0 }, onError: () => {} })
    endpoints.push(endpoint)
    return endpoint
  }
  let dropped = 0
  const holder = start({ up: (proceed) => (away ? Promise.reject(new StoreUnavailable('away')) : proceed()) })
  const owner = start({ send: async (proceed) => (away ? void dropped++ : proceed()) })
  const session = await open(owner)
  const first = new EventReader(await send(owner, 'POST', session, toolCall('c', 'work', {}, { progressToken: 1 })))
  await first.until(({ params }) => params?.progress === 1)
  const stream = new EventReader(await send(holder, 'GET', { ...session, 'last-event-id': first.events[0]?.id ?? '' }))
  await stream.until(({ params }) => params?.progress === 1)
  away = true
  await clock.advance(8_000)
  finish()
  await owner.settled()
  expect(dropped).toBeGreaterThan(0)
  away = false
  await clock.advance(2_000)
  expect((await stream.until(({ id }) => id === 'c')).message?.result.content[0].text).toBe('done')
})

test('cancels of calls whose instance is dead leave no mail, however often they are sent', async () => {
  const base = memoryStore()
  const kept: string[] = []
  const store = interceptedStore({ close: async () => {} }, base as ReturnType<typeof memoryStore>)
  const server = new McpServer({ name: 'mail', version: '1' })
  const endpoint = createEndpoint(server, { store, onError: () => {} })
  endpoints.push(endpoint)
  const session = await open(endpoint)
  const { sessionKey } = await import('../../lib/session/stream/session.ts')
  const key = sessionKey('', session['mcp-session-id'] ?? '')
  const dead = 'AAAAAAAAAAAA~'
  await base.up(dead, 60_000, '1')
  await base.register(key, { id: 's:c', stream: 'lost', owner: `${dead}:run` })
  const cancel = {
    jsonrpc: '2.0',
    method: 'notifications/cancelled',
    params: { requestId: 'c', reason: 'r'.repeat(1_000_000) },
  }
  for (let i = 0; i < 30; i++) expect((await send(endpoint, 'POST', session, cancel)).status).toBe(202)
  await endpoint.settled()
  const receiving = await base.receive(dead, { mail: (text) => kept.push(text), change: () => {}, resumed: () => {} })
  await receiving.stop()
  await base.down(dead)
  for (let i = 0; i < 300; i++) await send(endpoint, 'POST', session, cancel)
  await endpoint.settled()
  expect(kept.join('').length).toBeLessThan(30 * 500)
})
