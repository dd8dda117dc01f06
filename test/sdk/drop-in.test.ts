/** `createMcpHandler` beside the one of the official SDK 2.x: the same requests, the same results. */
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  InMemoryServerEventBus,
  type McpServerFactory,
  type McpHttpHandler as SdkHandler,
  createMcpHandler as sdkHandler,
} from '@modelcontextprotocol/server'
import { afterEach, describe, expect, test } from 'vitest'
import { type CreateMcpHandlerOptions, createMcpHandler, McpServer, type ServerEvent } from '../../lib/index.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { makeServer } from './servers/v2.ts'

const MODERN = '2026-07-28'
const factory: McpServerFactory = () => makeServer()
const errors: string[] = []
const onerror = (error: Error) => void errors.push(error.message)

/** Both are of the type of the SDK. */
const KINDS: [
  name: string,
  make: (options: { legacy?: 'stateless' | 'reject'; maxRequestBodySize?: number }) => SdkHandler,
][] = [
  ['of this package', (options) => createMcpHandler(factory, { onerror, ...options })],
  ['of the SDK', (options) => sdkHandler(factory, options)],
]

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
  errors.length = 0
})

function opened<T extends { close(): Promise<void> }>(one: T): T {
  open.push(one)
  return one
}

/** A client whose requests go to the handler, at a path that nobody has told it. */
async function connect(handler: SdkHandler, given: object = {}): Promise<Client2> {
  const fetch = (url: URL | string, init?: RequestInit) => handler.fetch(new Request(url, init), given)
  const client = opened(new Client2({ name: 'two', version: '1' }, { versionNegotiation: { mode: { pin: MODERN } } }))
  await client.connect(new Transport2(new URL('http://127.0.0.1/api/some/where'), { fetch }))
  return client
}

async function connectOlder(handler: SdkHandler): Promise<Client1> {
  const fetch = (url: URL | string, init?: RequestInit) => handler.fetch(new Request(url, init))
  const client = opened(new Client1({ name: 'one', version: '1' }))
  const transport = new Transport1(new URL('http://127.0.0.1/api/some/where'), { fetch })
  // Its types do not allow for exactOptionalPropertyTypes.
  await client.connect(transport as Parameters<typeof client.connect>[0])
  return client
}

const meta = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
}
const listing = { jsonrpc: '2.0', id: 7, method: 'tools/list', params: { _meta: meta } }
const initialize = {
  jsonrpc: '2.0',
  id: 'first',
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
}

function post(body: unknown, headers: Record<string, string> = {}): Request {
  return new Request('http://127.0.0.1/elsewhere', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

const modern = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/list' }

describe.each(KINDS)('createMcpHandler %s', (_name, make) => {
  test('serves clients of both kinds of revision at the path where it is mounted', async () => {
    const handler = opened(make({}))
    for (const client of [await connect(handler), await connectOlder(handler)]) {
      expect((await client.listTools()).tools.map(({ name }) => name)).toContain('add')
      const result = await client.callTool({ name: 'add', arguments: { a: 1, b: 2 } })
      expect(result.content).toEqual([{ type: 'text', text: '3' }])
    }
  })

  test('hands the caller that a middleware has checked to the tools', async () => {
    const authInfo = { token: 't', clientId: 'app', scopes: [], extra: { sub: 'ada' } }
    const client = await connect(opened(make({})), { authInfo })
    const { content } = await client.callTool({ name: 'who', arguments: {} })
    expect(content).toMatchObject([{ text: expect.stringContaining('"clientId":"app"') }])
  })

  test('takes a body that a framework has parsed', async () => {
    const { fetch } = opened(make({}))
    const request = post('', modern)
    await request.text()
    const response = await fetch(request, { parsedBody: listing })
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('"add"')
  })

  test('with legacy "reject" refuses the revisions with sessions and serves the other one', async () => {
    const handler = opened(make({ legacy: 'reject', maxRequestBodySize: 2_000 }))
    const answers = async (request: Request, options?: { parsedBody: unknown }) => {
      const response = await handler.fetch(request, options)
      const text = await response.text()
      const { error, id } = text === '' ? { error: undefined, id: undefined } : JSON.parse(text)
      return [response.status, error?.code, id, error?.data]
    }
    const only = { supported: [MODERN] }
    expect(await answers(post(initialize))).toEqual([400, -32022, 'first', { ...only, requested: '2025-11-25' }])
    const parsed = await answers(post(''), { parsedBody: initialize })
    expect(parsed).toEqual([400, -32022, 'first', { ...only, requested: '2025-11-25' }])
    expect((await answers(post({ jsonrpc: '2.0', id: 2, method: 'ping' })))[1]).toBe(-32022)
    expect((await answers(post([initialize])))[0]).toBe(400)
    expect((await answers(post({ jsonrpc: '2.0', id: 3, result: {} })))[0]).toBe(400)
    expect((await answers(post('{')))[0]).toBe(400)
    expect(await answers(post({ jsonrpc: '2.0', method: 'notifications/initialized' }))).toEqual([
      202,
      undefined,
      undefined,
      undefined,
    ])
    for (const method of ['GET', 'DELETE']) {
      expect((await answers(new Request('http://127.0.0.1/mcp', { method })))[0]).toBe(405)
    }
    // It claims the revision, and lacks the header.
    expect((await answers(post(listing)))[0]).toBe(400)
    expect((await answers(post({ ...initialize, more: 'x'.repeat(3_000) })))[0]).toBe(413)
    expect((await answers(post(listing, modern)))[0]).toBe(200)
    expect((await (await connect(handler)).listTools()).tools.length).toBeGreaterThan(3)
  })

  test('announces changes to the clients that listen, and to listeners of its bus', async () => {
    const handler = opened(make({}))
    const client = await connect(handler)
    const heard: string[] = []
    client.setNotificationHandler('notifications/tools/list_changed', () => void heard.push('tools'))
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void heard.push(params.uri))
    await client.listen({ toolsListChanged: true, resourceSubscriptions: ['note://1'] })
    const events: ServerEvent[] = []
    const end = handler.bus.subscribe((event) => void events.push(event))
    handler.notify.toolsChanged()
    handler.bus.publish({ kind: 'resource_updated', uri: 'note://1' })
    await expect.poll(() => heard.toSorted()).toEqual(['note://1', 'tools'])
    end()
    handler.notify.promptsChanged()
    expect(events).toEqual([{ kind: 'tools_list_changed' }, { kind: 'resource_updated', uri: 'note://1' }])
  })
})

test('each kind of change reaches the listeners, and a listener that fails is reported', async () => {
  const { notify, bus } = opened(createMcpHandler(factory, { onerror }))
  const events: string[] = []
  bus.subscribe(() => {
    throw new Error('It does not listen.')
  })
  bus.subscribe(({ kind }) => void events.push(kind))
  const kinds = ['tools_list_changed', 'prompts_list_changed', 'resources_list_changed'] as const
  for (const kind of kinds) bus.publish({ kind })
  await notify.resourcesChanged()
  expect(events).toEqual([...kinds, 'resources_list_changed'])
  expect(errors.filter((message) => message === 'It does not listen.')).toHaveLength(4)
})

test('a change that the store does not take is reported, also where nobody awaits it', async () => {
  const store = memoryStore()
  store.publish = () => Promise.reject(new Error('The store is away.'))
  const { notify, bus } = opened(createMcpHandler(factory, { onerror, store }))
  notify.toolsChanged()
  bus.publish({ kind: 'prompts_list_changed' })
  await expect.poll(() => errors).toEqual(['The store is away.', 'The store is away.'])
})

test('options of the SDK become those of the endpoint, and those of createEndpoint are taken as well', async () => {
  const handler = opened(
    createMcpHandler(factory, {
      maxRequestBodySize: 100,
      http: { maxDepth: 20 },
      tools: { add: { requiredScopes: ['x'] } },
      auth: 'middleware',
    }),
  )
  expect((await handler.fetch(post(listing, modern))).status).toBe(401)
  const authInfo = { token: 't', clientId: 'app', scopes: [], extra: { sub: 'ada' } }
  expect((await handler.fetch(post(listing, modern), { authInfo })).status).toBe(413)
  expect(await handler.endpoint.ready()).toEqual([expect.stringContaining('one instance for all clients')])
})

test('with no subscriptions nobody listens', async () => {
  const handler = opened(createMcpHandler(factory, { maxSubscriptions: 0 }))
  const client = await connect(handler)
  await expect(client.listen({ toolsListChanged: true })).rejects.toThrow()
  expect((await client.listTools()).tools.length).toBeGreaterThan(3)
})

test('with responseMode "json" no response is a stream', async () => {
  const handler = opened(createMcpHandler(factory, { responseMode: 'json' }))
  const progress = { ...meta, progressToken: 1 }
  const params = { name: 'count', arguments: { n: 2, delayMs: 1 }, _meta: progress }
  const headers = { ...modern, 'mcp-method': 'tools/call', 'mcp-name': 'count' }
  const response = await handler.fetch(post({ ...listing, method: 'tools/call', params }, headers))
  expect(response.headers.get('content-type')).toBe('application/json')
})

test.each<[string, CreateMcpHandlerOptions, string]>([
  ['a handler for legacy', { legacy: (() => {}) as never }, 'legacy must be "stateless" or "reject"'],
  ['streams alone', { responseMode: 'sse' }, 'Remove responseMode'],
  ['a bus', { bus: new InMemoryServerEventBus() }, 'bus is not needed'],
  ['no bytes', { maxRequestBodySize: 0 }, 'createMcpHandler.maxRequestBodySize must be'],
  ['a text for a time', { keepAliveMs: 'soon' as never }, 'createMcpHandler.keepAliveMs must be'],
  ['a part of a stream', { maxSubscriptions: 0.5 }, 'createMcpHandler.maxSubscriptions must be'],
])('refuses %s, with the cure', (_name, options, message) => {
  expect(() => createMcpHandler(factory, options)).toThrow(message)
})

test('refuses a server, which has no factory', () => {
  const server = new McpServer({ name: 'own', version: '1' })
  expect(() => createMcpHandler(server as never)).toThrow('createEndpoint takes servers as well')
})
