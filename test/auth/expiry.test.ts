/** A stream ends when the token of its request expires, and is resumed with the next token. */

import { afterEach, beforeEach, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { Signer } from '../support/authorization.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { EventReader } from '../support/raw.ts'
import { about } from '../support/spread.ts'

const RESOURCE = 'https://mcp.example/mcp'
let signer: Signer
let clock: ManualClock
let endpoint: Endpoint
let finish: (() => void) | undefined

beforeEach(async () => {
  signer = await Signer.create('https://as.example', RESOURCE)
  clock = new ManualClock(Date.now())
  const server = new McpServer({ name: 'slow', version: '1' })
  server.registerTool('long', {}, async (ctx) => {
    await ctx.progress(1, 2)
    await new Promise<void>((resolve) => {
      finish = resolve
    })
    return { content: [{ type: 'text', text: 'done' }] }
  })
  endpoint = createEndpoint(server, {
    store: memoryStore({ clock }),
    clock,
    session: { autoProgress: 0 },
    legacySse: true,
    auth: { issuer: 'https://as.example', resource: RESOURCE, jwks: signer.keys, clockTolerance: 0 },
  })
})
afterEach(async () => {
  finish?.()
  await endpoint.settled()
  await endpoint.close()
})

async function send(method: string, token: string, headers: Record<string, string>, body?: object, path = '/mcp') {
  return endpoint.fetch(
    new Request(`https://mcp.example${path}`, {
      method,
      body: body ? JSON.stringify(body) : null,
      headers: {
        'content-type': 'application/json',
        accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
        authorization: `Bearer ${token}`,
        ...headers,
      },
    }),
  )
}

async function open(token: string, protocolVersion = '2025-11-25') {
  const params = { protocolVersion, capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const response = await send('POST', token, {}, { jsonrpc: '2.0', id: 0, method: 'initialize', params })
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
}

const CALL = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'long', arguments: {}, _meta: { progressToken: 1 } },
}

test('the GET stream closes with a retry; the old token is 401, and the new token resumes the stream', async () => {
  const token = await signer.token({}, { expiresIn: 600 })
  const session = await open(token)
  const reader = new EventReader(await send('GET', token, session))
  await clock.advance(599_000)
  expect(endpoint.stats().connections).toBe(1)
  await clock.advance(1_500)
  expect(await reader.rest()).toEqual([])
  expect(reader.events.at(-1)?.retry).toEqual(about(1_000))
  expect(endpoint.stats().connections).toBe(0)
  expect((await send('GET', token, session)).status).toBe(401)
  const fresh = await signer.token({}, { expiresIn: 1_200 })
  const again = await send('GET', fresh, session)
  expect(again.status).toBe(200)
  await again.body?.cancel()
})

test('the stream of a call closes, the call runs on, and a refreshed token of the same caller gets its result', async () => {
  const token = await signer.token({}, { expiresIn: 600 })
  const session = await open(token)
  const reader = new EventReader(await send('POST', token, session, CALL))
  await reader.until(({ method }) => method === 'notifications/progress')
  await clock.advance(601_000)
  expect(await reader.rest()).toEqual([])
  expect(endpoint.stats().calls).toBe(1)
  const fresh = await signer.token({}, { expiresIn: 1_200 })
  const resumed = new EventReader(await send('GET', fresh, { ...session, 'last-event-id': reader.lastId ?? '' }))
  finish?.()
  const { message } = await resumed.until(({ id }) => id === 1)
  expect(message?.result.content[0].text).toBe('done')
})

test('a client that cannot resume keeps the stream of its call', async () => {
  const token = await signer.token({}, { expiresIn: 600 })
  const session = await open(token, '2025-06-18')
  const reader = new EventReader(await send('POST', token, session, CALL))
  await reader.until(({ method }) => method === 'notifications/progress')
  await clock.advance(601_000)
  finish?.()
  expect((await reader.until(({ id }) => id === 1)).message?.result).toBeDefined()
})

test('subscriptions/listen ends with its result', async () => {
  const token = await signer.token({}, { expiresIn: 600 })
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const params = { notifications: { toolsListChanged: true }, _meta }
  const body = { jsonrpc: '2.0', id: 'l', method: 'subscriptions/listen', params }
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' }
  const reader = new EventReader(await send('POST', token, headers, body))
  await reader.message()
  await clock.advance(601_000)
  expect((await reader.rest()).map(({ id }) => id)).toEqual(['l'])
})

test('GET /sse ends, and its session with it', async () => {
  const token = await signer.token({}, { expiresIn: 600 })
  const reader = new EventReader(await send('GET', token, {}, undefined, '/sse'))
  const event = await reader.next()
  await clock.advance(601_000)
  await reader.rest()
  const fresh = await signer.token({}, { expiresIn: 1_200 })
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  expect((await send('POST', fresh, {}, ping, event?.data)).status).toBe(404)
})

test('a token without an expiry far away from now sets no timer that fires at once', async () => {
  const token = await signer.token({}, { expiresIn: 40 * 24 * 3_600 })
  const session = await open(token)
  const response = await send('GET', token, session)
  expect(endpoint.stats().connections).toBe(1)
  await response.body?.cancel()
})
