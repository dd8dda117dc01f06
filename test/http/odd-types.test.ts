/** Parameters of a wrong type that are asked for before the method checks them: each gets an error of the protocol. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { Signer } from '../support/authorization.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage, request } from '../support/raw.ts'

const RESOURCE = 'https://mcp.example/mcp'
const errors: unknown[] = []
let open: Endpoint
let guarded: Endpoint
let authorization = ''

function build(requiredScopes: string[]): McpServer {
  const server = new McpServer({ name: 'odd-types', version: '1' })
  const properties = { region: { type: 'string', 'x-mcp-header': 'Region' } }
  const done = { content: [{ type: 'text' as const, text: 'done' }] }
  server.registerTool('t', { requiredScopes, inputSchema: { type: 'object', properties } }, () => done)
  server.registerPrompt('p', { requiredScopes }, () => ({ messages: [] }))
  server.registerResource('r', 'note://1', { requiredScopes }, () => ({ contents: [] }))
  return server
}

beforeAll(async () => {
  const signer = await Signer.create('https://as.example', RESOURCE)
  authorization = `Bearer ${await signer.token()}`
  const onError = (error: unknown) => void errors.push(error)
  open = createEndpoint(build([]), { onError, legacySse: true })
  const auth = { issuer: 'https://as.example', resource: RESOURCE, jwks: signer.keys }
  guarded = createEndpoint(build(['write']), { onError, legacySse: true, auth })
})
afterAll(async () => {
  expect(errors).toEqual([])
  await Promise.all([open.close(), guarded.close()])
})

function send(endpoint: Endpoint, headers: Record<string, string>, body: unknown, path = '/mcp') {
  const all = { 'content-type': 'application/json', accept: ACCEPT_BOTH, authorization, ...headers }
  const made = new Request(`https://mcp.example${path}`, { method: 'POST', headers: all, body: JSON.stringify(body) })
  return endpoint.fetch(made)
}

/** Objects that are no text, and that cannot be made one. */
const ODD: readonly unknown[] = [
  { toString: 1 },
  { toString: null, valueOf: 1 },
  [{ toString: 1 }],
  [],
  {},
  1,
  null,
  true,
  ['t'],
]

const REQUESTS: [method: string, params: (odd: unknown) => Record<string, unknown>][] = [
  ['tools/call', (name) => ({ name })],
  ['prompts/get', (name) => ({ name })],
  ['resources/read', (uri) => ({ uri })],
  ['completion/complete', (name) => ({ ref: { type: 'ref/prompt', name }, argument: { name: 'a', value: '' } })],
  ['completion/complete', (uri) => ({ ref: { type: 'ref/resource', uri }, argument: { name: 'a', value: '' } })],
  ['completion/complete', (ref) => ({ ref, argument: { name: 'a', value: '' } })],
  ['subscriptions/listen', (odd) => ({ notifications: { resourceSubscriptions: [odd] } })],
  ['subscriptions/listen', (odd) => ({ notifications: { resourceSubscriptions: Array(2_000).fill(odd) } })],
  ['tools/call', (region) => ({ name: 't', arguments: { region } })],
]

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

test.each(REQUESTS)('%s with odd parameters is an error of the protocol in 2026-07-28 (%#)', async (method, params) => {
  for (const endpoint of [open, guarded]) {
    for (const odd of ODD) {
      const given = params(odd)
      const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, 'mcp-param-region': 'eu' }
      const named = { ...headers, 'mcp-name': given.name === 't' ? 't' : 'x' }
      const response = await send(endpoint, named, request(1, method, { ...given, _meta: META }))
      expect(response.status).toBeLessThan(500)
      expect(await response.json()).toMatchObject({ id: 1, error: { code: expect.any(Number) } })
    }
  }
})

test.each(REQUESTS)(
  '%s with odd parameters is an error of its call in HTTP+SSE, which ends (%#)',
  async (method, params) => {
    const init = { headers: { accept: 'text/event-stream' } }
    const reader = new EventReader(await open.fetch(new Request('https://mcp.example/sse', init)))
    const address = (await reader.next())?.data ?? ''
    for (const [id, odd] of ODD.entries()) {
      expect((await send(open, {}, request(id, method, params(odd)), address)).status).toBe(202)
      const { message } = await reader.until((one: RpcMessage) => one.id === id)
      expect(message?.error ?? message?.result).toBeDefined()
    }
    await open.settled()
    expect(open.stats()).toMatchObject({ calls: 0, unregistered: 0 })
    reader.drop()
  },
)
