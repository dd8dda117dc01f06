/** `endpoint.fetch` serves a POST without Hono's context where the app would do nothing else: as the app in every other case. */
import { afterEach, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { body, headers, tool } from '../stateless/requests.ts'
import { ACCEPT_BOTH, request } from '../support/raw.ts'

let endpoint: Endpoint
afterEach(() => endpoint.close())

const HOST = 'https://mcp.example'
const json = { accept: ACCEPT_BOTH, 'content-type': 'application/json' }

function start(options = {}): void {
  const server = new McpServer({ name: 'direct', version: '1' })
  server.registerTool('echo', {}, () => ({ content: [{ type: 'text', text: 'echoed' }] }))
  endpoint = createEndpoint(server, options)
}

function post(path: string, message: object, more: Record<string, string> = {}): Request {
  return new Request(HOST + path, { method: 'POST', headers: { ...json, ...more }, body: JSON.stringify(message) })
}
const call = (path = '/mcp') => post(path, body(tool('echo')), headers(tool('echo')))

const AUTH = { auth: { issuer: 'https://as.example', resource: `${HOST}/mcp`, jwks: { keys: [] } } }

const REQUESTS: [what: string, make: () => Request][] = [
  ['a call', () => call()],
  ['a slash at the end', () => call('/mcp/')],
  ['a query', () => call('/mcp?a=b')],
  ['an escape in the path', () => call('/%6dcp')],
  ['a path below', () => call('/mcp/more')],
  ['another path', () => call('/nothing')],
  ['healthz', () => call('/healthz')],
  ['no JSON', () => new Request(`${HOST}/mcp`, { method: 'POST', headers: json, body: '{' })],
  ['no session', () => post('/mcp', request(1, 'tools/list'))],
  ['another origin', () => post('/mcp', request(1, 'ping'), { origin: 'https://evil.example' })],
]

test.each(
  REQUESTS.flatMap(([what, make]) => [
    [what, 'no authorization', make, {}] as const,
    [what, 'authorization', make, AUTH] as const,
  ]),
)('%s, with %s: the same response from fetch and from the app', async (_what, _with, make, options) => {
  start(options)
  const [direct, app] = await Promise.all([endpoint.fetch(make()), endpoint.app.fetch(make())])
  expect(direct.status).toBe(app.status)
  expect(await direct.text()).toBe(await app.text())
  expect([...direct.headers]).toEqual([...app.headers])
})

test.each(['*', '/mcp', '/:any'])('what an author adds to the app for %s has the same effect', async (path) => {
  start()
  expect((await endpoint.fetch(call())).status).toBe(200)
  endpoint.app.use(path, async (c, next) => {
    await next()
    c.header('x-seen', 'yes')
  })
  // Hono runs handlers in the order of their registration: that of the endpoint comes first, and answers.
  for (const make of [call, () => call('/own')]) {
    const [direct, app] = await Promise.all([endpoint.fetch(make()), endpoint.app.fetch(make())])
    expect([direct.status, direct.headers.get('x-seen')]).toEqual([app.status, app.headers.get('x-seen')])
  }
})

test('a route of the author for another path is served', async () => {
  start()
  expect((await endpoint.fetch(call())).status).toBe(200)
  endpoint.app.post('/own', (c) => c.text('own'))
  expect(await (await endpoint.fetch(post('/own', {}))).text()).toBe('own')
  expect((await endpoint.fetch(call())).status).toBe(200)
})
