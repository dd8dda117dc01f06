/** The endpoint behind a gateway that puts a prefix before its paths, and cuts it off or not. */
import { type ServerType, serve } from '@hono/node-server'
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterEach, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { connectSignedIn } from '../examples/signed-in.ts'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { type RoundRobin, startRoundRobin } from '../support/proxy.ts'

const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

function hello(): McpServer {
  const server = new McpServer({ name: 'hello', version: '1' })
  server.registerTool('whoami', {}, ({ auth }) => ({ content: [{ type: 'text', text: auth?.subject ?? 'anybody' }] }))
  return server
}

async function listen(endpoint: Endpoint): Promise<string> {
  const http = await new Promise<ServerType>((resolve) => {
    const server = serve({ fetch: endpoint.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(server))
  })
  stops.push(async () => {
    await endpoint.close()
    if ('closeAllConnections' in http) http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
  })
  const address = http.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}

/** @param forwarded the gateway forwards the paths as they are */
async function behind(gateway: 'cuts off' | 'forwards', options: EndpointOptions): Promise<RoundRobin> {
  const at = await listen(createEndpoint(hello(), { allowedHosts: 'local', legacySse: true, ...options }))
  const proxy = await startRoundRobin([at], gateway === 'cuts off' ? '/tools' : '')
  stops.push(() => proxy.close())
  return proxy
}

const clients: [string, path: string, (url: URL) => Promise<Client1 | Client2>][] = [
  [
    '1.x',
    '/mcp',
    async (url) => {
      const client = new Client1({ name: 'one', version: '1' })
      await client.connect(new Transport1(url) as Parameters<typeof client.connect>[0])
      return client
    },
  ],
  [
    '1.x over HTTP+SSE',
    '/sse',
    async (url) => {
      const client = new Client1({ name: 'old', version: '1' })
      await client.connect(new SSEClientTransport(url))
      return client
    },
  ],
  ...(['legacy', { pin: '2026-07-28' }] as const).map((mode): [string, string, (url: URL) => Promise<Client2>] => [
    `2.x, ${mode === 'legacy' ? 'with a session' : 'stateless'}`,
    '/mcp',
    async (url) => {
      const client = new Client2({ name: 'two', version: '1' }, { versionNegotiation: { mode } })
      await client.connect(new Transport2(url))
      return client
    },
  ]),
]

describe.each(['cuts off', 'forwards'] as const)('a gateway that %s the prefix', (gateway) => {
  test.each(clients)('serves the official client %s', async (_, path, connect) => {
    const { url } = await behind(gateway, { prefix: '/tools' })
    const client = await connect(new URL(`${url}/tools${path}`))
    expect(await client.callTool({ name: 'whoami', arguments: {} })).toMatchObject({ content: [{ text: 'anybody' }] })
    await client.close()
  })
})

test('a client that has only the address behind the prefix finds the authorization server', async () => {
  // The gateway gives the endpoint no paths but those below the prefix.
  const proxy = await startRoundRobin([], '/tools')
  stops.push(() => proxy.close())
  const resource = `${proxy.url}/tools/mcp`
  const as = await startAuthorizationServer({ resources: { [resource]: 'mcp' } })
  stops.push(() => as.stop())
  const auth = { issuer: as.issuer, resource, scopes: ['mcp'] }
  proxy.setTarget(0, await listen(createEndpoint(hello(), { prefix: '/tools/', auth, allowedHosts: 'local' })))
  const client = await connectSignedIn(new URL(resource), as)
  expect(await client.call('whoami')).toBe('ada')
  await client.close()
})

describe('the addresses that clients are given', () => {
  const auth = { issuer: 'https://as.example', resource: 'https://mcp.example/tools/mcp', jwks: { keys: [] } }
  const metadataAt = async (endpoint: Endpoint, path: string, mountedAt?: string) => {
    const { headers } = await endpoint.fetch(new Request(`https://mcp.example${path}`), { mountedAt })
    return /resource_metadata="([^"]*)"/.exec(headers.get('www-authenticate') ?? '')?.[1] ?? ''
  }
  const start = (options: EndpointOptions) => {
    const endpoint = createEndpoint(hello(), options)
    stops.push(() => endpoint.close())
    return endpoint
  }

  test('of the metadata has the prefix, where a document of the same resource is', async () => {
    const endpoint = start({ prefix: '/tools', legacySse: true, auth })
    for (const asked of ['/mcp', '/tools/mcp', '/sse', '/tools/sse']) {
      const resource = `https://mcp.example/tools${asked.replace('/tools', '')}`
      const at = new URL(await metadataAt(endpoint, asked))
      expect(at.pathname).toMatch(/^\/tools\/\.well-known\/oauth-protected-resource\//)
      for (const path of [at.pathname, at.pathname.slice('/tools'.length)]) {
        const document = await endpoint.fetch(new Request(new URL(path, at)))
        expect(await document.json()).toMatchObject({ resource })
      }
    }
  })

  const messagesAt = async (endpoint: Endpoint, path: string, mountedAt?: string) => {
    const response = await endpoint.fetch(new Request(`https://mcp.example${path}`), { mountedAt })
    const reader = response.body?.getReader()
    const { value } = (await reader?.read()) ?? {}
    await reader?.cancel()
    return /data: (\S+)\?sessionId=/.exec(new TextDecoder().decode(value))?.[1]
  }

  test.each([
    ['nothing', undefined, '/sse', undefined, '/messages'],
    ['an app that mounts the endpoint', undefined, '/sse', '/base', '/base/messages'],
    ['a gateway and an app', '/tools', '/sse', '/base', '/tools/base/messages'],
    ['a gateway that forwards its prefix to an app', '/tools', '/sse', '/tools/base', '/tools/base/messages'],
    ['a mount that is another host', undefined, '/sse', '//evil.example', '/messages'],
  ])('of HTTP+SSE are right behind %s', async (_, prefix, path, mountedAt, expected) => {
    const endpoint = start({ prefix, legacySse: true })
    expect(await messagesAt(endpoint, path, mountedAt)).toBe(expected)
  })

  test.each(['tools', '/a/../b', '//evil.example', '/a b', '/a?b', 'https://mcp.example/tools'])(
    'cannot have the prefix %s',
    (prefix) => {
      expect(() => createEndpoint(hello(), { prefix })).toThrow(/^prefix must be the begin of a path, such as \/tools/)
    },
  )

  test('a path that is not served names the public one', async () => {
    const endpoint = start({ prefix: '/tools', path: '/v1' })
    const response = await endpoint.fetch(new Request('https://mcp.example/mcp', { method: 'POST' }))
    expect(await response.json()).toMatchObject({
      error: { message: 'Nothing is at "/mcp"; the MCP endpoint is /tools/v1.' },
    })
    expect(['/v1', '/tools/v1/', '/tools/healthz', '/mcp', '/tools/sse'].map((path) => endpoint.serves(path))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
  })
})
