/** Handlers that ignore their signal: a client that ends its calls and begins others runs no more of them than the bound. */
import { afterEach, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import type { JsonObject } from '../../lib/protocol/jsonrpc.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { body, headers as headersOf, tool } from '../stateless/requests.ts'
import { eventually } from '../support/eventually.ts'
import { ACCEPT_BOTH, request, toolCall } from '../support/raw.ts'

const MAX = 3
/** Each lets one handler return. */
const running: (() => void)[] = []
let endpoint: Endpoint

function start(session: EndpointOptions['session']): void {
  const server = new McpServer({ name: 'deaf', version: '1' })
  server.registerTool('deaf', { inputSchema: { type: 'object' } }, async () => {
    await new Promise<void>((resolve) => running.push(resolve))
    return { content: [] }
  })
  server.registerTool('limited', { inputSchema: { type: 'object' }, timeout: 1 }, async () => {
    await new Promise<void>((resolve) => running.push(resolve))
    return { content: [] }
  })
  server.use(async ({ params }, next) => {
    const result = next()
    return params.name === 'deaf' && (params.arguments as JsonObject | undefined)?.left ? { content: [] } : result
  })
  endpoint = createEndpoint(server, {
    store: memoryStore(),
    session,
    onError: () => {},
    auth: {
      issuer: 'https://as.example',
      resource: 'https://mcp.example/mcp',
      verify: async () => ({ subject: 'u', scopes: [], claims: {} }),
    },
  })
}

afterEach(async () => {
  for (const done of running.splice(0)) done()
  await endpoint.close()
})

async function send(message: object | undefined, headers: Record<string, string> = {}, signal?: AbortSignal) {
  const method = message ? 'POST' : 'DELETE'
  const text = message === undefined ? null : JSON.stringify(message)
  const all = { authorization: 'Bearer x', accept: ACCEPT_BOTH, 'content-type': 'application/json', ...headers }
  if (text !== null) Object.assign(all, { 'content-length': String(text.length) })
  return endpoint.fetch(
    new Request('https://mcp.example/mcp', { method, headers: all, body: text, signal: signal ?? null }),
  )
}

async function open(): Promise<Record<string, string>> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const response = await send(request(0, 'initialize', params))
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
}

const padding = { padding: 'x'.repeat(20_000) }

/** Sends a call that ends before its handler does. */
async function answered(message: object, headers: Record<string, string>): Promise<number | undefined> {
  const response = await send(message, headers)
  await response.text()
  return response.status === 429 ? 429 : undefined
}

/** Begins a call and ends it: resolves with its status where it was refused. */
type Round = (id: number) => Promise<number | undefined>

/** Resolves when the handler runs, or with the status of the refusal. */
async function begun(response: Promise<Response>, before: number): Promise<number | undefined> {
  const refused = response.then(({ status }) => status)
  return Promise.race([refused, eventually(async () => (running.length > before ? 0 : undefined))])
}

async function cancelled(session: Record<string, string>, id: number): Promise<number | undefined> {
  const before = running.length
  const response = send(toolCall(id, 'deaf', padding), session)
  const status = await begun(response, before)
  if (status) return status
  await send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } }, session)
  await (await response).text()
  return undefined
}

const WAYS: Record<string, () => Promise<Round>> = {
  'cancels in a session': async () => {
    const session = await open()
    return (id) => cancelled(session, id)
  },
  'cancels of registered calls': async () => {
    const session = await open()
    return async (id) => {
      const before = running.length
      const response = send(toolCall(id, 'deaf', padding), session)
      const status = await begun(response, before)
      if (status) return status
      await eventually(async () => (endpoint.stats().calls > 0 ? true : undefined))
      await send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } }, session)
      await (await response).text()
      return undefined
    }
  },
  'DELETEs of sessions': async () => async (id) => {
    const session = await open()
    const before = running.length
    const response = send(toolCall(id, 'deaf', padding), session)
    const status = await begun(response, before)
    if (status) return status
    await eventually(async () => (endpoint.stats().calls > 0 ? true : undefined))
    await send(undefined, session)
    await (await response).text()
    return undefined
  },
  'time limits in a session': async () => {
    const session = await open()
    return (id) => answered(toolCall(id, 'limited', padding), session)
  },
  'time limits of stateless calls': async () => async (id) => {
    const made = { id, ...tool('limited', padding) }
    return answered(body(made), headersOf(made))
  },
  'a middleware that answers first, in a session': async () => {
    const session = await open()
    return (id) => answered(toolCall(id, 'deaf', { ...padding, left: true }), session)
  },
  'a middleware that answers first, in stateless calls': async () => async (id) => {
    const made = { id, ...tool('deaf', { ...padding, left: true }) }
    return answered(body(made), headersOf(made))
  },
  'connections of stateless calls': async () => async (id) => {
    const before = running.length
    const aborted = new AbortController()
    const made = { id, ...tool('deaf', padding) }
    const response = send(body(made), headersOf(made), aborted.signal)
    const status = await begun(response, before)
    if (status) return status
    aborted.abort()
    expect((await response).status).toBe(499)
    return undefined
  },
}

describe('a client that ends its calls and begins others', () => {
  test.each(Object.entries(WAYS))('runs as many handlers as a principal may: %s', async (_, way) => {
    start({ maxCallsPerPrincipal: MAX, registerAfter: 1 })
    const round = await way()
    for (let id = 1; id <= MAX; id++) expect(await round(id)).toBe(undefined)
    for (let id = 1; id <= 10 * MAX; id++) expect(await round(100 + id)).toBe(429)
    expect(running).toHaveLength(MAX)
    // Their requests are still held.
    expect(endpoint.held().requests).toBeGreaterThan(MAX * 20_000)
    for (const done of running.splice(0)) done()
    await eventually(async () => (endpoint.held().requests === 0 ? true : undefined))
    for (let id = 1; id <= MAX; id++) expect(await round(1_000 + id)).toBe(undefined)
  })

  test('runs as many handlers as a session may', async () => {
    start({ maxCalls: MAX })
    const session = await open()
    for (let id = 1; id <= MAX; id++) expect(await cancelled(session, id)).toBe(undefined)
    for (let id = 1; id <= 10 * MAX; id++) expect(await cancelled(session, 100 + id)).toBe(429)
    for (const done of running.splice(0)) done()
    await eventually(async () => (endpoint.held().requests === 0 ? true : undefined))
    expect(await cancelled(session, 1_000)).toBe(undefined)
  })
})
