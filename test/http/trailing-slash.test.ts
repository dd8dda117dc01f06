/** A slash at the end of an address: it is the address without the slash, on every route. */
import { afterEach, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { body, headers } from '../stateless/requests.ts'
import { EventReader, request } from '../support/raw.ts'

let endpoint: Endpoint
afterEach(() => endpoint.close())

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const RESOURCE = 'https://mcp.example/mcp'
const AUTH = { issuer: 'https://as.example', resource: RESOURCE, jwks: { keys: [] } }
const WELL_KNOWN = '/.well-known/oauth-protected-resource'
const INITIALIZE = request(1, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'a', version: '1' },
})

function start(options: EndpointOptions = {}): void {
  endpoint = createEndpoint(new McpServer({ name: 'slash', version: '1' }), { legacySse: true, ...options })
}

function send(method: string, path: string, message?: object, more: Record<string, string> = {}) {
  const init = { method, headers: { ...HEADERS, ...more }, ...(message && { body: JSON.stringify(message) }) }
  return Promise.resolve(endpoint.fetch(new Request(`https://mcp.example${path}`, init)))
}

test.each(['/mcp/', '/mcp'])(
  '%s serves a session from its begin to its end, and the stateless revision',
  async (path) => {
    start()
    const opened = await send('POST', path, INITIALIZE)
    expect(opened.status).toBe(200)
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
    expect((await send('POST', path, request(2, 'ping'), session)).status).toBe(200)
    const stream = await send('GET', path, undefined, session)
    expect(stream.headers.get('content-type')).toBe('text/event-stream')
    await stream.body?.cancel()
    expect((await send('OPTIONS', path)).status).toBe(204)
    expect((await send('PUT', path, {})).headers.get('allow')).toBe('POST, GET, DELETE')
    expect((await send('DELETE', path, undefined, session)).status).toBe(204)
    const described = { method: 'server/discover' }
    expect((await send('POST', path, body(described), headers(described))).status).toBe(200)
  },
)

test.each(['/team/mcp', '/team/mcp/', '/'])('the path of the option is served with and without: %s', async (path) => {
  start({ path })
  const plain = path.replace(/\/$/, '')
  for (const each of [plain, `${plain}/`]) expect((await send('POST', each, INITIALIZE)).status).toBe(200)
})

test.each(['/mcp//', '/mcp/x', '//mcp', '/mcpx', '/MCP'])('%s is another address: 404', async (path) => {
  start()
  const answer = await send('POST', path, INITIALIZE)
  expect(answer.status).toBe(404)
  expect(await answer.json()).toMatchObject({ error: { message: expect.stringContaining('the MCP endpoint is /mcp') } })
})

test('HTTP+SSE is served with a slash, and its address for POSTs works with one', async () => {
  start()
  const stream = new EventReader(await send('GET', '/sse/'))
  const address = (await stream.next())?.data ?? ''
  expect(address).toMatch(/^\/messages\?sessionId=/)
  for (const [id, path] of [address, address.replace('?', '/?')].entries()) {
    expect((await send('POST', path, request(id, 'ping'))).status).toBe(202)
    expect((await stream.message())?.id).toBe(id)
  }
  stream.drop()
})

describe('with authorization', () => {
  test.each([
    [`${WELL_KNOWN}/mcp/`, RESOURCE],
    [`${WELL_KNOWN}/`, RESOURCE],
    [`${WELL_KNOWN}/sse/`, 'https://mcp.example/sse'],
    [`${WELL_KNOWN}/messages/`, 'https://mcp.example/sse'],
  ])('%s has the metadata of %s', async (path, resource) => {
    start({ auth: AUTH })
    expect(await (await send('GET', path)).json()).toMatchObject({ resource })
  })

  test.each([
    ['/mcp/', `${WELL_KNOWN}/mcp`],
    ['/sse/', `${WELL_KNOWN}/sse`],
  ])('a request to %s without a token names %s', async (path, metadata) => {
    start({ auth: AUTH })
    const refused = await send('GET', path)
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toContain(`"https://mcp.example${metadata}"`)
  })

  test('paths that only begin like one have no metadata', async () => {
    start({ auth: AUTH })
    for (const path of [`${WELL_KNOWN}/mcp//`, `${WELL_KNOWN}//mcp`, `${WELL_KNOWN}/mcp/x`]) {
      expect((await send('GET', path)).status).toBe(404)
    }
  })
})
