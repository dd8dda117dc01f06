/** Lists omit entries whose scopes the caller lacks, and using such an entry is 403 with the scopes that it needs. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { AuthOptions } from '../../lib/auth/options.ts'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { request as dispatched, fakeChannel } from '../server/fake-channel.ts'
import { Signer } from '../support/authorization.ts'

const RESOURCE = 'https://mcp.example/mcp'
let signer: Signer
let endpoint: Endpoint
let ran: string[] = []

function build(): McpServer {
  const server = new McpServer({ name: 'scoped', version: '1' })
  const text = (name: string) => () => {
    ran.push(name)
    return { content: [{ type: 'text' as const, text: name }] }
  }
  const contents = (uri: URL) => ({ contents: [{ uri: uri.href, text: 'x' }] })
  server.registerTool('open', {}, text('open'))
  server.registerTool('read', { requiredScopes: ['notes:read'] }, text('read'))
  server.registerTool('purge', { requiredScopes: ['notes:write', 'admin'] }, text('purge'))
  server.registerTool('speak', { requiredScopes: ['notes:read'] }, async (ctx) => {
    await ctx.progress(1, 2)
    return { content: [{ type: 'text', text: 'spoke' }] }
  })
  server.registerTool('me', {}, (ctx) => ({
    content: [{ type: 'text', text: JSON.stringify({ ...ctx.auth, token: undefined }) }],
  }))
  server.registerResource('secret', 'notes://secret', { requiredScopes: ['notes:read'] }, contents)
  server.registerResource('open', 'notes://open', {}, contents)
  const template = new ResourceTemplate('vault://{id}', { complete: { id: () => ['a'] } })
  server.registerResource('vault', template, { requiredScopes: ['admin'] }, contents)
  server.registerPrompt('plan', { requiredScopes: ['admin'] }, () => ({ messages: [] }))
  return server
}

function start(auth: Partial<AuthOptions> = {}): Endpoint {
  endpoint = createEndpoint(build(), {
    legacySse: true,
    auth: { issuer: 'https://as.example', resource: RESOURCE, jwks: signer.keys, ...auth },
  })
  return endpoint
}

beforeAll(async () => {
  signer = await Signer.create('https://as.example', RESOURCE)
})
afterEach(async () => {
  ran = []
  await endpoint?.close()
})

type Init = { scope: string; body: unknown; headers?: Record<string, string>; path?: string }

async function send({ scope, body, headers = {}, path = '/mcp' }: Init): Promise<Response> {
  return endpoint.fetch(
    new Request(`https://mcp.example${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${await signer.token({ scope })}`,
        ...headers,
      },
    }),
  )
}

async function session(scope: string, protocolVersion = '2025-11-25') {
  const params = { protocolVersion, capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const response = await send({ scope, body: { jsonrpc: '2.0', id: 0, method: 'initialize', params } })
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
}

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

function stateless(scope: string, method: string, params: Record<string, unknown> = {}) {
  const name = params.name ?? params.uri
  return send({
    scope,
    body: { jsonrpc: '2.0', id: 7, method, params: { ...params, _meta: META } },
    headers: {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' && { 'mcp-name': name }),
    },
  })
}

const request = (id: number, method: string, params: object) => ({ jsonrpc: '2.0', id, method, params })

/** An operation and the scopes that it needs. */
const OPERATIONS: [string, Record<string, unknown>, string][] = [
  ['tools/call', { name: 'read', arguments: {} }, 'notes:read'],
  ['tools/call', { name: 'purge', arguments: {} }, 'notes:write admin'],
  ['tools/call', { name: 'speak', arguments: {} }, 'notes:read'],
  ['resources/read', { uri: 'notes://secret' }, 'notes:read'],
  ['resources/read', { uri: 'vault://1' }, 'admin'],
  ['prompts/get', { name: 'plan' }, 'admin'],
  ['completion/complete', { ref: { type: 'ref/prompt', name: 'plan' }, argument: { name: 'x', value: '' } }, 'admin'],
  [
    'completion/complete',
    { ref: { type: 'ref/resource', uri: 'vault://{id}' }, argument: { name: 'id', value: '' } },
    'admin',
  ],
]

describe.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('in a session of %s', (version) => {
  test.each([
    ...OPERATIONS,
    ['resources/subscribe', { uri: 'notes://secret' }, 'notes:read'] as (typeof OPERATIONS)[number],
  ])('%s %j needs %s', async (method, params, needed) => {
    start()
    const headers = await session('other', version)
    const refused = await send({ scope: 'other', body: request(5, method, params), headers })
    expect(refused.status).toBe(403)
    expect(refused.headers.get('content-type')).toBe('application/json')
    // Including the scopes of the token: clients of these revisions ask only for the scopes of the challenge.
    const named = needed.split(' ').map((scope) => `'${scope}'`)
    const lacks = `The token lacks the scope${named.length > 1 ? 's' : ''} ${named.join(', ')}, which this request needs.`
    expect(refused.headers.get('www-authenticate')).toBe(
      `Bearer error="insufficient_scope", error_description="${lacks}", scope="${needed} other", resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/mcp"`,
    )
    expect(await refused.json()).toMatchObject({ jsonrpc: '2.0', id: 5, error: { code: -32600 } })
    expect(ran).toEqual([])
    // The session continues with a token that has these scopes.
    const served = await send({ scope: needed, body: request(6, method, params), headers })
    expect(served.status).toBe(200)
    await served.text()
  })
})

describe('without a session (2026-07-28)', () => {
  test.each(OPERATIONS)('%s %j needs %s', async (method, params, needed) => {
    start()
    const refused = await stateless('', method, params)
    expect(refused.status).toBe(403)
    expect(refused.headers.get('www-authenticate')).toContain(`scope="${needed}"`)
    expect(await refused.json()).toMatchObject({ id: 7, error: {} })
    expect(ran).toEqual([])
    const served = await stateless(needed, method, params)
    expect(served.status).toBe(200)
    await served.text()
  })

  test('listening for a resource needs its scopes', async () => {
    start()
    const refused = await stateless('', 'subscriptions/listen', {
      notifications: { resourceSubscriptions: ['notes://open', 'notes://secret'] },
    })
    expect(refused.status).toBe(403)
    expect(refused.headers.get('www-authenticate')).toContain('scope="notes:read"')
  })

  test('a list that depends on the caller is private', async () => {
    start()
    expect(((await (await stateless('', 'tools/list')).json()) as { result: object }).result).toMatchObject({
      cacheScope: 'private',
    })
  })
})

describe('lists', () => {
  test.each([
    ['', ['open', 'me']],
    ['notes:read', ['open', 'read', 'speak', 'me']],
    ['notes:write admin', ['open', 'purge', 'me']],
    ['notes:write', ['open', 'me']],
  ])('show to a token with the scopes "%s" the tools %j', async (scope, names) => {
    start()
    const { result } = (await (await stateless(scope, 'tools/list')).json()) as {
      result: { tools: { name: string }[] }
    }
    expect(result.tools.map(({ name }) => name)).toEqual(names)
  })
})

test('a batch is refused as a whole, with all the scopes that it needs', async () => {
  start()
  const headers = await session('', '2025-03-26')
  const batch = [
    request(1, 'tools/call', { name: 'open', arguments: {} }),
    request(2, 'tools/call', { name: 'read', arguments: {} }),
    request(3, 'prompts/get', { name: 'plan' }),
  ]
  const refused = await send({ scope: '', body: batch, headers })
  expect(refused.status).toBe(403)
  expect(refused.headers.get('www-authenticate')).toContain('scope="notes:read admin"')
  expect(ran).toEqual([])
})

test('scopes are checked before the session, so that 403 does not reveal whether it exists', async () => {
  start()
  const refused = await send({
    scope: '',
    body: request(1, 'tools/call', { name: 'read' }),
    headers: { 'mcp-session-id': 'unknown' },
  })
  expect(refused.status).toBe(403)
})

test('over HTTP+SSE the POST is 403', async () => {
  start()
  const refused = await send({
    scope: '',
    body: request(1, 'tools/call', { name: 'read' }),
    path: '/messages?sessionId=x',
  })
  expect(refused.status).toBe(403)
})

test('a scope may include others', async () => {
  start({ scopeCovers: (granted, required) => required.startsWith(`${granted}:`) })
  const served = await stateless('notes', 'tools/call', { name: 'read', arguments: {} })
  expect(served.status).toBe(200)
  expect((await stateless('note', 'tools/call', { name: 'read', arguments: {} })).status).toBe(403)
  const { result } = (await (await stateless('notes', 'tools/list')).json()) as {
    result: { tools: { name: string }[] }
  }
  expect(result.tools.map(({ name }) => name)).toContain('read')
})

test('a handler reads the identity of its caller', async () => {
  start()
  const answer = (await (await stateless('a b', 'tools/call', { name: 'me', arguments: {} })).json()) as {
    result: { content: { text: string }[] }
  }
  expect(JSON.parse(answer.result.content[0]?.text ?? '')).toMatchObject({
    issuer: 'https://as.example',
    subject: 'ada',
    clientId: 'app',
    scopes: ['a', 'b'],
    claims: { sub: 'ada' },
  })
})

test('a call that another instance runs again needs the scopes too', async () => {
  const server = build()
  const run = (scopes: string[]) =>
    dispatched(server, 'tools/call', { name: 'read', arguments: {} }, fakeChannel({ scopes }))
  await expect(run(['other'])).rejects.toMatchObject({ code: -32600 })
  expect(await run(['notes:read'])).toMatchObject({ content: [{ text: 'read' }] })
})
