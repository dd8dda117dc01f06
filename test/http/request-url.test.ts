/** `ctx.request.url`: the URL as the client sent it, whatever stands in front of the endpoint. */
import { afterEach, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import type { FetchOptions } from '../../lib/http/fetch-options.ts'
import { bufferedHandler } from '../../lib/platform/lambda/buffered.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { body, headers } from '../stateless/requests.ts'
import { ACCEPT_BOTH, type RpcMessage, toolCall } from '../support/raw.ts'

const open: Endpoint[] = []
afterEach(() => Promise.all(open.splice(0).map((endpoint) => endpoint.close())))

function start(options: EndpointOptions): Endpoint {
  const server = new McpServer({ name: 's', version: '1' })
  server.registerTool('where', {}, ({ request, sessionId }) => ({
    content: [{ type: 'text', text: JSON.stringify({ url: request.url?.href, sessionId }) }],
  }))
  const endpoint = createEndpoint(server, options)
  open.push(endpoint)
  return endpoint
}

const json = { accept: ACCEPT_BOTH, 'content-type': 'application/json' }
const text = async (response: Response) => JSON.parse(((await response.json()) as RpcMessage).result.content[0].text)

/** What the tool sees of a request to this URL. */
async function inSession(endpoint: Endpoint, url: string, options?: FetchOptions) {
  const send = (message: object, more: Record<string, string> = {}) =>
    endpoint.fetch(
      new Request(url, { method: 'POST', headers: { ...json, ...more }, body: JSON.stringify(message) }),
      options,
    )
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
  const { headers: given } = await send({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
  const id = given.get('mcp-session-id') ?? ''
  const seen = await text(await send(toolCall(1, 'where'), { 'mcp-session-id': id }))
  expect(seen.sessionId).toBe(id)
  return seen.url
}

async function stateless(endpoint: Endpoint, url: string, options?: FetchOptions) {
  const call = { method: 'tools/call', params: { name: 'where' } }
  const given = { ...json, ...headers(call) }
  const request = new Request(url, { method: 'POST', headers: given, body: JSON.stringify(body(call)) })
  const seen = await text(await endpoint.fetch(request, options))
  expect(seen.sessionId).toBeUndefined()
  return seen.url
}

describe.each([
  ['in a session', inSession],
  ['in the stateless revision', stateless],
])('%s', (_name, ask) => {
  test.each<[string, EndpointOptions, string, FetchOptions | undefined, string]>([
    ['nothing', {}, '/mcp', undefined, '/mcp'],
    ['nothing, with a slash at the end', {}, '/mcp/', undefined, '/mcp/'],
    ['nothing, with a query', {}, '/mcp?a=b%20c&a=%2F&d', undefined, '/mcp?a=b%20c&a=%2F&d'],
    ['a gateway that cuts off a prefix', { prefix: '/tools' }, '/mcp?a=1', undefined, '/tools/mcp?a=1'],
    ['a gateway that forwards a prefix', { prefix: '/tools' }, '/tools/mcp?a=1', undefined, '/tools/mcp?a=1'],
    ['an app that mounts it', {}, '/mcp?a=1', { mountedAt: '/base' }, '/base/mcp?a=1'],
    ['a gateway and an app', { prefix: '/tools' }, '/mcp', { mountedAt: '/base' }, '/tools/base/mcp'],
    ['a path of its own', { path: '/api/v1/mcp' }, '/api/v1/mcp?x', undefined, '/api/v1/mcp?x'],
  ])('the URL is that of the client behind %s', async (_what, options, path, given, expected) => {
    const at = 'https://mcp.example:8443'
    expect(await ask(start(options), `${at}${path}`, given)).toBe(`${at}${expected}`)
  })

  test('there is no URL where there is no HTTP', async () => {
    expect(await ask(start({}), 'http://localhost/mcp', { local: true })).toBeUndefined()
  })
})

test('a function on Lambda sees the stage that the gateway has cut off, and the query', async () => {
  const call = { method: 'tools/call', params: { name: 'where' } }
  const event = {
    version: '2.0',
    rawPath: '/prod/mcp',
    rawQueryString: 'key=a%20b',
    headers: { host: 'mcp.example', ...json, ...headers(call) },
    requestContext: { http: { method: 'POST', sourceIp: '203.0.113.7' }, stage: 'prod' },
    isBase64Encoded: false,
    body: JSON.stringify(body(call)),
  }
  const handle = bufferedHandler(start({ streaming: false }))
  const context = { getRemainingTimeInMillis: () => 60_000, awsRequestId: 'r' }
  const { body: answer = '' } = await handle(event as never, context as never)
  expect(JSON.parse(JSON.parse(answer).result.content[0].text)).toEqual({
    url: 'https://mcp.example/prod/mcp?key=a%20b',
  })
})
