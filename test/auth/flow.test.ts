/** The official clients, which have only the address: discovery, registration, sign-in, token, tool call, refresh. */
import { type ServerType, serve } from '@hono/node-server'
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterEach, describe, expect, test } from 'vitest'
import type { AuthOptions } from '../../lib/auth/options.ts'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import type { AuthorizationServer, AuthorizationServerOptions } from '../support/authorization-server.ts'
import { REDIRECT, REGISTERED_CLIENT, startAuthorizationServer } from '../support/authorization-server.ts'
import { freePort } from '../support/ports.ts'

const SCOPES = 'mcp notes:read notes:write'

let as: AuthorizationServer
let endpoint: Endpoint
let http: ServerType
let url: URL

function notes(): McpServer {
  const server = new McpServer({ name: 'notes', version: '1' })
  server.registerTool('whoami', {}, (ctx) => ({ content: [{ type: 'text', text: `${ctx.auth?.subject}` }] }))
  server.registerTool('write', { requiredScopes: ['notes:write'] }, () => ({ content: [{ type: 'text', text: 'ok' }] }))
  return server
}

async function start(auth: Partial<AuthOptions> = {}, more: Partial<AuthorizationServerOptions> = {}): Promise<void> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  url = new URL(`${origin}/mcp`)
  as = await startAuthorizationServer({ resources: { [url.href]: SCOPES, [`${origin}/sse`]: SCOPES }, ...more })
  const introspection = more.introspector && {
    url: `${as.issuer}/token/introspection`,
    clientId: more.introspector.id,
    clientSecret: more.introspector.secret,
  }
  endpoint = createEndpoint(notes(), {
    allowedHosts: 'local',
    legacySse: true,
    auth: { issuer: as.issuer, resource: url.href, scopes: ['mcp'], introspection, ...auth },
  })
  await new Promise<void>((resolve) => {
    http = serve({ fetch: endpoint.fetch, port, hostname: '127.0.0.1' }, () => resolve())
  })
}

afterEach(async () => {
  await endpoint.close()
  if ('closeAllConnections' in http) http.closeAllConnections()
  await new Promise((resolve) => http.close(resolve))
  await as.stop()
})

/** The state of the authorization that an application keeps. */
class Keeper {
  readonly redirectUrl = REDIRECT
  readonly clientMetadata = {
    client_name: 'test',
    application_type: 'native',
    redirect_uris: [REDIRECT],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  }
  asked: URL[] = []
  kept: { tokens?: { access_token: string; [name: string]: unknown }; client?: object; verifier?: string } = {}
  clientInformation = () => this.kept.client
  saveClientInformation = (client: object) => void Object.assign(this.kept, { client })
  tokens = () => this.kept.tokens
  saveTokens = (tokens: { access_token: string }) => void Object.assign(this.kept, { tokens })
  saveCodeVerifier = (verifier: string) => void Object.assign(this.kept, { verifier })
  codeVerifier = () => this.kept.verifier ?? ''
  redirectToAuthorization = (to: URL) => void this.asked.push(to)
}

interface Official {
  call(name: string): Promise<string>
  /** The user has come back from the authorization server. */
  finish(back: URL): Promise<void>
  sessionId(): string | undefined
  close(): Promise<void>
}

interface Transport {
  finishAuth(code: string, issuer?: string): Promise<void>
}

/** Connects; where the user must sign in, does so and connects again. */
async function through(keeper: Keeper, transport: () => Transport, connect: (to: Transport) => Promise<Official>) {
  const first = transport()
  const refused = await connect(first).then(
    () => undefined,
    (error: Error) => error,
  )
  expect(refused?.constructor.name).toMatch(/Unauthorized/)
  const back = await as.authorize(keeper.asked.at(-1) ?? url)
  expect(back.searchParams.get('error_description')).toBeNull()
  await finish(first, back)
  return connect(transport())
}

function finish(transport: Transport, back: URL): Promise<void> {
  expect(back.searchParams.get('error_description')).toBeNull()
  const { code = '', iss } = Object.fromEntries(back.searchParams)
  return transport.finishAuth(code, iss)
}

type Called = { content: { text?: string }[] }
const textOf = (result: unknown) => (result as Called).content[0]?.text ?? ''

function sdk1(keeper: Keeper): Promise<Official> {
  return through(
    keeper,
    () => new Transport1(url, { authProvider: keeper as never }),
    async (to) => {
      const client = new Client1({ name: 'one', version: '1' })
      await client.connect(to as never)
      return {
        call: async (name) => textOf(await client.callTool({ name, arguments: {} })),
        finish: (back) => finish(to, back),
        sessionId: () => (to as Transport1).sessionId,
        close: () => client.close(),
      }
    },
  )
}

function sdk2(keeper: Keeper): Promise<Official> {
  return through(
    keeper,
    () => new Transport2(url, { authProvider: keeper as never }),
    async (to) => {
      const client = new Client2({ name: 'two', version: '1' })
      await client.connect(to as never)
      return {
        call: async (name) => textOf(await client.callTool({ name, arguments: {} })),
        finish: (back) => finish(to, back),
        sessionId: () => (to as Transport2).sessionId,
        close: () => client.close(),
      }
    },
  )
}

function overSse(keeper: Keeper): Promise<Official> {
  return through(
    keeper,
    () => new SSEClientTransport(new URL('/sse', url), { authProvider: keeper as never }),
    async (to) => {
      const client = new Client1({ name: 'old', version: '1' })
      await client.connect(to as never)
      return {
        call: async (name) => textOf(await client.callTool({ name, arguments: {} })),
        finish: (back) => finish(to, back),
        sessionId: () => undefined,
        close: () => client.close(),
      }
    },
  )
}

describe.each([
  ['client 1.x', sdk1],
  ['client 2.x', sdk2],
  ['client 1.x over HTTP+SSE', overSse],
])('the official %s', (_name, connect) => {
  test('needs only the address to call a tool', async () => {
    await start()
    const keeper = new Keeper()
    const client = await connect(keeper)
    expect(await client.call('whoami')).toBe('ada')
    expect(keeper.asked[0]?.searchParams.get('resource')).toMatch(/\/(mcp|sse)$/)
    expect(keeper.asked[0]?.searchParams.get('scope')).toContain('mcp')
    await client.close()
  })

  test('continues its session with a refreshed token', async () => {
    await start()
    const keeper = new Keeper()
    const client = await connect(keeper)
    const before = client.sessionId()
    const asked = keeper.asked.length
    Object.assign(keeper.kept.tokens ?? {}, { access_token: 'worn.out.token' })
    expect(await client.call('whoami')).toBe('ada')
    expect(keeper.kept.tokens?.access_token).not.toBe('worn.out.token')
    expect(client.sessionId()).toBe(before)
    // The user was not asked again.
    expect(keeper.asked).toHaveLength(asked)
    await client.close()
  })

  test('works with opaque tokens', async () => {
    await start({}, { format: 'opaque', introspector: { id: 'notes-endpoint', secret: 'a secret' } })
    const client = await connect(new Keeper())
    expect(await client.call('whoami')).toBe('ada')
    expect(as.paths).toContain('/token/introspection')
    await client.close()
  })
})

test.each([
  ['1.x', sdk1],
  ['2.x', sdk2],
])(
  'the official client %s that lacks a scope gets it from the authorization server and continues its session',
  async (_name, connect) => {
    await start()
    const keeper = new Keeper()
    keeper.kept.client = { client_id: REGISTERED_CLIENT }
    // With a refresh token the clients try that first, which brings no new scope.
    keeper.saveTokens = ({ access_token }) =>
      void Object.assign(keeper.kept, { tokens: { access_token, token_type: 'Bearer' } })
    const client = await connect(keeper)
    const session = client.sessionId()
    await expect(client.call('write')).rejects.toThrow()
    const asked = keeper.asked.at(-1) ?? url
    expect(asked.searchParams.get('scope')).toContain('notes:write')
    await client.finish(await as.authorize(asked))
    expect(await client.call('write')).toBe('ok')
    expect(client.sessionId()).toBe(session)
    await client.close()
  },
)

test('a token for another resource of the same server is refused', async () => {
  await start()
  const keeper = new Keeper()
  const client = await sdk1(keeper)
  await endpoint.close()
  const resource = 'https://another.example/mcp'
  endpoint = createEndpoint(notes(), { auth: { issuer: as.issuer, resource, scopes: ['mcp'] } })
  const headers = { authorization: `Bearer ${keeper.kept.tokens?.access_token}` }
  const response = await endpoint.fetch(new Request(resource, { method: 'POST', headers }))
  expect(response.status).toBe(401)
  expect(response.headers.get('www-authenticate')).toContain('The token is not for this endpoint: ')
  await client.close()
})
