/** The metadata of the protected resource (RFC 9728). */
import { afterEach, expect, test } from 'vitest'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { serveJson } from '../support/authorization.ts'

let endpoint: Endpoint | undefined
afterEach(() => endpoint?.close())

const ISSUER = 'https://as.example'
const WELL_KNOWN = '/.well-known/oauth-protected-resource'

function start(auth: object = {}, options: EndpointOptions = {}): Endpoint {
  const server = new McpServer({ name: 'notes', version: '1', title: 'Notes' })
  server.registerTool('t', { requiredScopes: ['notes:read', 'offline_access'] }, () => ({ content: [] }))
  const resource = 'https://mcp.example/mcp'
  endpoint = createEndpoint(server, { auth: { issuer: ISSUER, resource, jwks: { keys: [] }, ...auth }, ...options })
  return endpoint
}

async function get(path: string, init: RequestInit = {}): Promise<Response> {
  return (endpoint ?? start()).fetch(new Request(`https://mcp.example${path}`, init))
}

test.each([WELL_KNOWN, `${WELL_KNOWN}/mcp`])(
  '%s says what the endpoint is and who gives tokens for it',
  async (path) => {
    start({ scopes: ['mcp'], documentation: 'https://mcp.example/docs' })
    const response = await get(path)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({
      resource: 'https://mcp.example/mcp',
      authorization_servers: [ISSUER],
      bearer_methods_supported: ['header'],
      scopes_supported: ['mcp', 'notes:read'],
      resource_name: 'Notes',
      resource_documentation: 'https://mcp.example/docs',
    })
  },
)

test('other paths have no metadata', async () => {
  start()
  expect((await get(`${WELL_KNOWN}/other`)).status).toBe(404)
})

test('behind a path prefix the metadata is at the address that clients derive', async () => {
  start({ resource: 'https://mcp.example/team/mcp' })
  const document = (await (await get(`${WELL_KNOWN}/team/mcp`)).json()) as { resource: string }
  expect(document.resource).toBe('https://mcp.example/team/mcp')
  const refused = await get('/mcp', { method: 'POST' })
  expect(refused.headers.get('www-authenticate')).toContain(`"https://mcp.example${WELL_KNOWN}/team/mcp"`)
})

test('the origin alone may be the resource', async () => {
  start({ resource: 'https://mcp.example/' })
  expect(await (await get(WELL_KNOWN)).json()).toMatchObject({ resource: 'https://mcp.example' })
  const refused = await get('/mcp', { method: 'POST' })
  expect(refused.headers.get('www-authenticate')).toContain(`"https://mcp.example${WELL_KNOWN}"`)
})

test('HTTP+SSE is a resource of its own', async () => {
  start({}, { legacySse: true })
  expect(await (await get(`${WELL_KNOWN}/sse`)).json()).toMatchObject({ resource: 'https://mcp.example/sse' })
  for (const path of ['/sse', '/messages']) {
    const refused = await get(path, { method: path === '/sse' ? 'GET' : 'POST' })
    expect(refused.headers.get('www-authenticate')).toContain(`"https://mcp.example${WELL_KNOWN}/sse"`)
  }
})

test('a page of an allowed origin may read the metadata, and other pages may not', async () => {
  start({}, { allowedOrigins: ['https://app.example'] })
  const allowed = await get(WELL_KNOWN, { headers: { origin: 'https://app.example' } })
  expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example')
  expect((await get(WELL_KNOWN, { headers: { origin: 'https://evil.example' } })).status).toBe(403)
  const preflight = await get(WELL_KNOWN, {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example', 'access-control-request-headers': 'mcp-protocol-version' },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-headers')).toContain('mcp-protocol-version')
})

test('clients of 2025-03-26 are redirected to the metadata of the authorization server', async () => {
  const as = await serveJson((path) =>
    path === '/.well-known/openid-configuration' ? { issuer: as.url, jwks_uri: `${as.url}/keys` } : undefined,
  )
  start({ issuer: as.url })
  const response = await get('/.well-known/oauth-authorization-server')
  expect(response.status).toBe(307)
  expect(response.headers.get('location')).toBe(`${as.url}/.well-known/openid-configuration`)
  await as.close()
})

test('without authorization there is no metadata', async () => {
  endpoint = createEndpoint(new McpServer({ name: 'n', version: '1' }))
  expect((await get(WELL_KNOWN)).status).toBe(404)
})
