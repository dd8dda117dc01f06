/** Host, Origin and CORS, on every route and HTTP method. */
import { afterEach, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'

let endpoint: Endpoint | undefined
afterEach(() => endpoint?.close())

function start(options: EndpointOptions = {}, server = new McpServer({ name: 'origin', version: '1' })): Endpoint {
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
  ])('refuses %s before it checks a token', async (_what, origin) => {
    start({ allowedOrigins: ['https://app.example'], auth: AUTH })
    const response = await send(method, path, { origin })
    expect(response.status).toBe(403)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    expect(await response.json()).toMatchObject({
      jsonrpc: '2.0',
      error: { code: -32600, message: expect.stringContaining('ALLOWED_ORIGINS') },
    })
  })

  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'localhost:3000.evil.example', ''])(
    'refuses the host %s on a local endpoint',
    async (host) => {
      start({ allowedHosts: 'local', auth: AUTH })
      const response = await send(method, path, { host })
      expect(response.status).toBe(403)
      expect(await response.text()).toContain('ALLOWED_HOSTS')
    },
  )

  test('has the CORS headers on the response itself', async () => {
    start({ allowedOrigins: ['https://app.example'], auth: AUTH })
    const response = await send(method, path, { origin: 'https://app.example' })
    expect(response.status).not.toBe(403)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(response.headers.get('vary')).toContain('Origin')
    expect(response.headers.get('access-control-expose-headers')).toContain('Mcp-Session-Id')
    expect(response.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate')
    // The endpoint uses no cookies, so pages may not send them.
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

  test('refuses a page of another host', async () => {
    start({ allowedHosts: 'local' })
    expect((await send('POST', '/mcp', { origin: 'http://rebound.example:3000' }, PING)).status).toBe(403)
  })
})

describe('without a list of hosts', () => {
  test('a page of the same host name is refused: an attacker may have chosen the name', async () => {
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
  test('needs no token and allows the headers of every revision', async () => {
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

  test('does not repeat unknown header names', async () => {
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
