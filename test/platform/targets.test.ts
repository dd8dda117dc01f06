/** Host and target of a request: neither changes the other's part of the URL, on Lambda and on Node. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { serve } from '@hono/node-server'
import type { ALBEvent, APIGatewayProxyEvent, APIGatewayProxyEventV2, Context } from 'aws-lambda'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { bufferedHandler } from '../../lib/platform/lambda/buffered.ts'
import { type HttpEvent, readEvent } from '../../lib/platform/lambda/event.ts'
import { createCheckedServer } from '../../lib/platform/node/target.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { type RpcMessage, request } from '../support/raw.ts'

let endpoint: Endpoint

beforeAll(() => {
  endpoint = createEndpoint(new McpServer({ name: 'targets', version: '1' }), { http: { maxBytes: 100_000 } })
})
afterAll(() => endpoint.close())

interface Given {
  path?: string
  query?: string
  headers?: Record<string, string>
  body?: string
  base64?: boolean
}

const EVENTS: [string, (given: Given) => HttpEvent][] = [
  [
    'payload 2.0',
    ({ path = '/mcp', query = '', headers = {}, body, base64 = false }) =>
      ({
        version: '2.0',
        rawPath: path,
        rawQueryString: query,
        headers: { host: 'api.example.com', 'content-type': 'application/json', ...headers },
        requestContext: { http: { method: 'POST', sourceIp: '203.0.113.7' }, stage: '$default' },
        body,
        isBase64Encoded: base64,
      }) as unknown as APIGatewayProxyEventV2,
  ],
  [
    'payload 1.0',
    ({ path = '/mcp', headers = {}, body, base64 = false }) =>
      ({
        httpMethod: 'POST',
        path,
        headers: null,
        multiValueHeaders: multiple({ host: 'api.example.com', 'content-type': 'application/json', ...headers }),
        queryStringParameters: null,
        multiValueQueryStringParameters: null,
        requestContext: { identity: { sourceIp: '203.0.113.7' } },
        isBase64Encoded: base64,
        body: body ?? null,
      }) as unknown as APIGatewayProxyEvent,
  ],
  [
    'a load balancer',
    ({ path = '/mcp', headers = {}, body, base64 = false }) =>
      ({
        httpMethod: 'POST',
        path,
        headers: { host: 'api.example.com', 'content-type': 'application/json', ...headers },
        queryStringParameters: {},
        requestContext: { elb: { targetGroupArn: 'arn' } },
        isBase64Encoded: base64,
        body: body ?? null,
      }) as unknown as ALBEvent,
  ],
]

function multiple(headers: Record<string, string>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
}

async function invoke(event: HttpEvent): Promise<{ status: number; message: RpcMessage; multiValue: boolean }> {
  const handle = bufferedHandler(endpoint)
  const context = { getRemainingTimeInMillis: () => 60_000, awsRequestId: 'r' } as Context
  const result = await handle(event, context)
  if (!result) throw new Error('The invocation had no result.')
  const message = JSON.parse(result.body ?? '') as RpcMessage
  return { status: result.statusCode ?? 0, message, multiValue: 'multiValueHeaders' in result }
}

const PING = JSON.stringify(request(1, 'ping'))

const BAD_HOSTS = [
  ...['api.example.com/mcp?', 'api.example.com/mcp', 'api.example.com?', 'api.example.com#', 'user@api.example.com'],
  ...['user:secret@api.example.com', 'api.example.com\\', 'api example.com', 'api.example.com:', 'api.example.com:x'],
  ...['api.example.com:99999', 'api.example.com:80:80', 'a, b', '', ' ', '[::1', '::1', '[::1]x', 'api.example.com%2f'],
]
const BAD_PATHS = [
  ...[
    '/mcp?a',
    '/mcp#a',
    '/x/../mcp',
    '/./mcp',
    '/%2e%2E/mcp',
    '/x/.%2e/mcp',
    '/mcp/..',
    '\\mcp',
    '/\\evil/mcp',
    '/mcp ',
    '/m\tcp',
  ],
]

describe.each(EVENTS)('an event of %s', (kind, event) => {
  test('is served with each form of a host', async () => {
    const hosts = [
      'api.example.com',
      'API.example.com:443',
      'localhost:3000',
      '127.0.0.1',
      '[::1]:3000',
      'my_host.internal',
    ]
    for (const host of hosts) {
      expect((await invoke(event({ headers: { host }, body: PING }))).message, host).toEqual({
        jsonrpc: '2.0',
        id: 1,
        result: {},
      })
    }
  })

  test.each(BAD_HOSTS)('with what is no host is 400 in JSON-RPC: %j', async (host) => {
    const { status, message, multiValue } = await invoke(event({ headers: { host }, body: PING }))
    expect([status, message.error?.code]).toEqual([400, -32600])
    expect(message.error?.message).toContain('Host header')
    expect(multiValue).toBe(kind === 'payload 1.0')
  })

  test.each(BAD_PATHS)('with a path that is read in two ways is 400: %j', async (path) => {
    const { status, message } = await invoke(event({ path, body: PING }))
    expect([status, message.error?.code]).toEqual([400, -32600])
    expect(message.error?.message).toContain('path')
  })

  test('with another path is 404, also where a URL parser takes it for a host', async () => {
    for (const path of ['//mcp', '//evil.example/mcp', '/mcp//', '/mcp%2f', '/mcp;x']) {
      expect((await invoke(event({ path, body: PING }))).status, path).toBe(404)
    }
  })

  test('has the origin of its host and its own path, whatever host and path are', () => {
    const piece = fc.string({ unit: fc.constantFrom(...'ab.:/?#@\\[]%3e -_'), maxLength: 12 })
    fc.assert(
      fc.property(piece, piece, (host, path) => {
        let url: URL
        try {
          url = new URL(readEvent(event({ headers: { host }, path: `/${path}` })).request.url)
        } catch {
          return
        }
        expect(url.host).toBe(new URL(`https://${host.trim()}`).host)
        expect([url.username, url.password, url.search, url.hash]).toEqual(['', '', '', ''])
        expect(url.pathname).toBe(`/${path}`)
      }),
      { numRuns: 3_000 },
    )
  })

  test.each(['1', '0', '-1', 'x', '99999999'])(
    'has the size of its body, whatever it announces: %s',
    async (length) => {
      const headers = { 'content-length': length }
      expect((await invoke(event({ headers, body: PING }))).status).toBe(200)
      const large = JSON.stringify(request(1, 'ping', { x: 'x'.repeat(1_000_000) }))
      for (const base64 of [false, true]) {
        const body = base64 ? Buffer.from(large).toString('base64') : large
        const { status, message } = await invoke(event({ headers, body, base64 }))
        expect([status, message.error?.code]).toEqual([413, -32600])
      }
    },
  )
})

test('a query of payload 2.0 cannot change the path', () => {
  const [, event] = EVENTS[0] as (typeof EVENTS)[number]
  const url = new URL(readEvent(event({ query: 'a=/../b#c?d' })).request.url)
  expect([url.pathname, url.search, url.hash]).toEqual(['/mcp', '?a=/../b%23c?d', ''])
})

test('a body that is larger than it was announced is 413 in every embedding', async () => {
  const headers = { 'content-type': 'application/json', 'content-length': '1' }
  for (const text of ['x'.repeat(1_000_000), 'é'.repeat(60_000), '日'.repeat(40_000)]) {
    const body = JSON.stringify(request(1, 'ping', { text }))
    const response = await endpoint.fetch(new Request('http://localhost/mcp', { method: 'POST', headers, body }))
    expect(response.status).toBe(413)
  }
})

describe('the server of Node', () => {
  let http: Server
  beforeAll(async () => {
    http = serve({ fetch: endpoint.fetch, port: 0, hostname: '127.0.0.1', createServer: createCheckedServer }) as Server
    await once(http, 'listening')
  })
  afterAll(() => void http.close())

  async function send(
    target: string,
    heads: string,
    version = '1.1',
  ): Promise<{ status: number; message: RpcMessage }> {
    const socket = connect((http.address() as AddressInfo).port, '127.0.0.1')
    const rest = `Content-Type: application/json\r\nContent-Length: ${PING.length}\r\nConnection: close\r\n\r\n${PING}`
    socket.write(`POST ${target} HTTP/${version}\r\n${heads}${rest}`)
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n')
    return { status: Number(head.split(' ')[1]), message: JSON.parse(body) as RpcMessage }
  }

  test.each([...BAD_HOSTS, 'localhost\r\nHost: evil.example'])('refuses what is no host: %j', async (host) => {
    const { status, message } = await send('/mcp', `Host: ${host}\r\n`)
    expect([status, message.error?.code]).toEqual([400, -32600])
    expect(message.error?.message).toContain('Host header')
  })

  test.each([
    ...BAD_PATHS.filter((path) => /^\/[^?\s]*$/.test(path)),
    ...['*', 'ftp://localhost/mcp', 'http://evil.example/mcp', 'http://user@localhost/mcp', 'http:///mcp'],
    ...['http://localhost/x/../mcp', 'http://localhost/mcp#x'],
  ])('refuses a target that is read in two ways: %s', async (target) => {
    const { status, message } = await send(target, 'Host: localhost\r\n')
    expect([status, message.error?.code]).toEqual([400, -32600])
  })

  test.each([
    ['a path', '/mcp', 'Host: localhost\r\n', '1.1'],
    ['a path with a query', '/mcp?a=/../b', 'Host: localhost:3000\r\n', '1.1'],
    ['an address with the host of Host', 'http://localhost:3000/mcp', 'Host: LOCALHOST:3000\r\n', '1.1'],
    ['HTTP/1.0 without Host', '/mcp', '', '1.0'],
  ])('serves %s', async (_what, target, heads, version) => {
    expect(await send(target, heads, version)).toEqual({ status: 200, message: { jsonrpc: '2.0', id: 1, result: {} } })
  })

  test('refuses HTTP/1.1 without Host', async () => {
    expect(await send('/mcp', '')).toMatchObject({ status: 400, message: { error: { code: -32600 } } })
  })
})
