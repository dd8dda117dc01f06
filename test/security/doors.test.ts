/** Host, Origin and CORS, on every route and method, and what no answer ever says. */
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Endpoint, EndpointOptions } from '../../lib/endpoint.ts'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { StoreUnavailable } from '../../lib/store/store.ts'

let endpoint: Endpoint | undefined
afterEach(() => endpoint?.close())

function start(options: EndpointOptions = {}, server = new McpServer({ name: 'doors', version: '1' })): Endpoint {
  endpoint = createEndpoint(server, { legacySse: true, onError: () => {}, ...options })
  return endpoint
}

function send(method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<Response> {
  if (!endpoint) throw new Error('start() first')
  const text = body === undefined ? null : JSON.stringify(body)
  const request = new Request(`http://localhost:3000${path}`, {
    method,
    body: text,
    headers: { 'content-type': 'application/json', host: 'localhost:3000', ...headers },
  })
  return Promise.resolve(endpoint.fetch(request))
}

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }
const ROUTES: [string, string][] = [
  ['POST', '/mcp'],
  ['GET', '/mcp'],
  ['DELETE', '/mcp'],
  ['OPTIONS', '/mcp'],
  ['PUT', '/mcp'],
  ['GET', '/sse'],
  ['OPTIONS', '/sse'],
  ['POST', '/messages?sessionId=x'],
  ['OPTIONS', '/messages'],
  ['GET', '/.well-known/oauth-protected-resource'],
]
const AUTH = { issuer: 'https://as.example', resource: 'https://mcp.example/mcp', jwks: { keys: [] } }

describe.each(ROUTES)('%s %s', (method, path) => {
  test.each([
    ['another site', 'https://evil.example'],
    ['a page without an origin', 'null'],
    ['a site that begins like an allowed one', 'https://app.example.evil.example'],
    ['an allowed one at another port', 'https://app.example:8443'],
    ['an allowed one without TLS', 'http://app.example'],
    ['nonsense', 'app.example'],
  ])('refuses %s, before it asks for a token', async (_what, origin) => {
    start({ allowedOrigins: ['https://app.example'], auth: AUTH })
    const response = await send(method, path, { origin })
    expect(response.status).toBe(403)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    expect(await response.json()).toMatchObject({ jsonrpc: '2.0', error: { code: -32600 } })
  })

  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'localhost:3000.evil.example', ''])(
    'refuses the host %s on a local endpoint',
    async (host) => {
      start({ allowedHosts: 'local', auth: AUTH })
      expect((await send(method, path, { host })).status).toBe(403)
    },
  )

  test('says on the real response what a page may read', async () => {
    start({ allowedOrigins: ['https://app.example'], auth: AUTH })
    const response = await send(method, path, { origin: 'https://app.example' })
    expect(response.status).not.toBe(403)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(response.headers.get('vary')).toContain('Origin')
    expect(response.headers.get('access-control-expose-headers')).toContain('Mcp-Session-Id')
    expect(response.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate')
    // Cookies are none of our business, so pages need not and may not send them.
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
  })
})

describe('a local endpoint', () => {
  test.each(['localhost:3000', '127.0.0.1:3000', '[::1]:3000', 'LOCALHOST'])('is served as %s', async (host) => {
    start({ allowedHosts: 'local' })
    expect((await send('POST', '/mcp', { host }, PING)).status).toBe(200)
  })

  test.each(['http://localhost:6274', 'http://127.0.0.1:6274'])(
    'serves the page %s of this machine',
    async (origin) => {
      start({ allowedHosts: 'local' })
      expect((await send('POST', '/mcp', { origin }, PING)).status).toBe(200)
    },
  )

  test('does not take a page of another machine for one of its own', async () => {
    start({ allowedHosts: 'local' })
    expect((await send('POST', '/mcp', { origin: 'http://rebound.example:3000' }, PING)).status).toBe(403)
  })
})

describe('without a list of hosts', () => {
  test('no page is believed to be of this host: the name may be the attacker’s', async () => {
    start()
    const headers = { host: 'rebound.example', origin: 'http://rebound.example' }
    expect((await send('POST', '/mcp', headers, PING)).status).toBe(403)
    expect((await send('POST', '/mcp', { host: 'any.example' }, PING)).status).toBe(200)
  })
})

test('IPv6 hosts may be listed with and without brackets', async () => {
  start({ allowedHosts: ['2001:db8::1', 'mcp.example.com'] })
  expect((await send('POST', '/mcp', { host: '[2001:db8::1]:8080' }, PING)).status).toBe(200)
  expect((await send('POST', '/mcp', { host: 'mcp.example.com' }, PING)).status).toBe(200)
  expect((await send('POST', '/mcp', { host: '[2001:db8::2]' }, PING)).status).toBe(403)
})

describe('a preflight', () => {
  test('needs no token, and allows the headers of every revision', async () => {
    start({ allowedOrigins: ['https://app.example'], auth: AUTH })
    const asked =
      'mcp-protocol-version, mcp-session-id, mcp-method, mcp-name, mcp-param-region, last-event-id, authorization'
    const response = await send('OPTIONS', '/mcp', {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': asked,
    })
    expect(response.status).toBe(204)
    const allowed = response.headers.get('access-control-allow-headers') ?? ''
    for (const name of asked.split(', ')) expect(allowed.split(', ')).toContain(name)
    expect(response.headers.get('access-control-allow-methods')).toBe('POST, GET, DELETE, OPTIONS')
  })

  test('does not repeat what is asked for', async () => {
    start({ allowedOrigins: '*' })
    const response = await send('OPTIONS', '/mcp', {
      origin: 'https://any.example',
      'access-control-request-headers': 'x-evil, mcp-param-ok, cookie, mcp-param-a b',
    })
    expect(response.headers.get('access-control-allow-headers')).not.toMatch(/evil|cookie|a b/)
    expect(response.headers.get('access-control-allow-headers')).toContain('mcp-param-ok')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
  })
})

describe('no answer tells', () => {
  const SECRET = 'redis://:s3cret@10.0.0.5:6379'

  test('where the store is, when it fails', async () => {
    const failing = () => Promise.reject(new StoreUnavailable(`Redis does not answer: connect ${SECRET}`))
    const store = { ...memoryStore(), createSession: failing, readSession: failing, getValue: failing }
    const server = new McpServer({ name: 'doors', version: '1' })
    server.registerTool('user', { inputSchema: z.object({}) }, async (_args, ctx) => ({
      content: [{ type: 'text', text: String(await ctx.user.get('x')) }],
    }))
    start({ store }, server)
    const initialize = { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25' } }
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'user', arguments: {}, _meta } }
    const modern = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'user' }
    const responses = [
      await send('POST', '/mcp', {}, initialize),
      await send('POST', '/mcp', { 'mcp-session-id': 'x' }, PING),
      await send('GET', '/mcp', { 'mcp-session-id': 'x', accept: 'text/event-stream' }),
      await send('GET', '/sse', {}),
      await send('POST', '/mcp', modern, call),
    ]
    for (const response of responses) expect(await response.text()).not.toMatch(/10\.0\.0\.5|s3cret|redis/i)
    expect(responses.slice(0, 4).map(({ status }) => status)).toEqual([503, 503, 503, 503])
  })

  test('what broke inside, or where', async () => {
    const broken = () => Promise.reject(new TypeError(`cannot read ${SECRET} at /srv/app/lib/x.ts`))
    start({ store: { ...memoryStore(), readSession: broken } })
    const response = await send('POST', '/mcp', { 'mcp-session-id': 'x' }, PING)
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: { code: -32603, message: 'The endpoint failed to answer.' },
    })
  })
})
