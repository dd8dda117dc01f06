/** Cases that the emulator cannot produce: streams that end early, header values of any kind, a slow store. */
import { once } from 'node:events'
import { Writable } from 'node:stream'
import type { APIGatewayProxyEvent, APIGatewayProxyEventV2, Context } from 'aws-lambda'
import { beforeAll, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { bufferedHandler } from '../../lib/platform/lambda/buffered.ts'
import { readEvent } from '../../lib/platform/lambda/event.ts'
import { sendResponse } from '../../lib/platform/lambda/stream.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { body, headers } from '../stateless/requests.ts'
import { ACCEPT_BOTH } from '../support/raw.ts'

beforeAll(() => {
  Object.assign(globalThis, { awslambda: { HttpResponseStream: { from: (out: Writable) => out } } })
})

/** A body of `chunks` that then waits; `cancelled` resolves with the reason of its cancellation. */
function waiting(...chunks: string[]) {
  const cancelled = Promise.withResolvers<unknown>()
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(Buffer.from(chunk))
    },
    cancel: (reason) => cancelled.resolve(reason),
  })
  return { response: new Response(body), cancelled: cancelled.promise }
}

describe('a response stream that ends before its body does', () => {
  test.each([
    ['fails while the body is silent', new Error('socket hang up'), 'socket hang up'],
    ['is closed while the body is silent', undefined, 'closed'],
  ])('%s: the body is cancelled', async (_what, error, message) => {
    const out = new Writable({ write: (_chunk, _encoding, done) => done() })
    const { response, cancelled } = waiting('a')
    const sent = sendResponse(response, 'POST', out)
    const refused = expect(sent).rejects.toThrow(message)
    out.destroy(error)
    await refused
    expect(String(await cancelled)).toContain(message)
  })

  test('closed before the body begins: the body is cancelled', async () => {
    const out = new Writable({ write: (_chunk, _encoding, done) => done() })
    out.on('error', () => {})
    out.destroy()
    await once(out, 'close')
    const { response, cancelled } = waiting('a', 'b')
    await expect(sendResponse(response, 'POST', out)).rejects.toThrow('closed')
    expect(String(await cancelled)).toContain('closed')
  })

  test('closed while it is full: sending fails', async () => {
    const out = new Writable({ highWaterMark: 1, write: () => {} })
    const { response } = waiting('many', 'bytes')
    const refused = expect(sendResponse(response, 'POST', out)).rejects.toThrow('closed')
    out.destroy()
    await refused
  })
})

const V2 = {
  version: '2.0',
  rawPath: '/mcp',
  rawQueryString: '',
  headers: { host: 'mcp.example' },
  requestContext: { http: { method: 'GET', sourceIp: '203.0.113.7' }, stage: '$default' },
  isBase64Encoded: false,
} as unknown as APIGatewayProxyEventV2

const REST = {
  httpMethod: 'GET',
  path: '/mcp',
  headers: { host: 'mcp.example' },
  multiValueHeaders: { host: ['mcp.example'] },
  queryStringParameters: null,
  multiValueQueryStringParameters: null,
  requestContext: { identity: { sourceIp: '203.0.113.7' } },
  isBase64Encoded: false,
  body: null,
} as unknown as APIGatewayProxyEvent

test('a header value with any characters is read as an HTTP server reads it', () => {
  const value = '“日本” é'
  const bytes = Buffer.from(value).toString('latin1')
  const { request } = readEvent({ ...V2, headers: { ...V2.headers, 'x-user': value, 'x-old': 'é' }, cookies: [value] })
  expect(request.headers.get('x-user')).toBe(bytes)
  expect(request.headers.get('cookie')).toBe(bytes)
  expect(request.headers.get('x-old')).toBe('é')
  const rest = readEvent({ ...REST, multiValueHeaders: { ...REST.multiValueHeaders, 'x-user': [value] } })
  expect(rest.request.headers.get('x-user')).toBe(bytes)
})

function handler(endpoint: Partial<Endpoint>, responseLimit?: number) {
  const handle = bufferedHandler({ wake: () => {}, rest: async () => {}, ...endpoint } as Endpoint, { responseLimit })
  const context = { getRemainingTimeInMillis: () => 600_000, awsRequestId: 'r' } as Context
  return (event: typeof V2 | typeof REST) => handle(event, context)
}

test('a buffered response has the members of its payload version and no others', async () => {
  const fetch = async () => Response.json({ ok: true }, { headers: { 'x-custom': 'yes' } })
  expect(Object.keys((await handler({ fetch })(V2)) ?? {})).toEqual([
    'statusCode',
    'headers',
    'body',
    'isBase64Encoded',
  ])
  const rest = await handler({ fetch })(REST)
  expect(rest).toEqual({
    statusCode: 200,
    multiValueHeaders: { 'content-type': ['application/json'], 'x-custom': ['yes'] },
    body: '{"ok":true}',
    isBase64Encoded: false,
  })
})

test('a buffered response does not wait for the store longer than the gateway waits', async () => {
  const fetch = async () => new Response('x')
  const rest = () => new Promise<void>(() => {})
  // The function itself has ten minutes.
  expect(await handler({ fetch, rest }, 600)(V2)).toMatchObject({ statusCode: 200 })
})

describe('work that a tool leaves', () => {
  function leaving() {
    const server = new McpServer({ name: 'leaving', version: '1' })
    const work = Promise.withResolvers<void>()
    server.registerTool('leave', {}, (ctx) => {
      ctx.waitUntil(work.promise)
      return { content: [{ type: 'text', text: 'left' }] }
    })
    const errors: unknown[] = []
    const endpoint = createEndpoint(server, { onError: (error) => void errors.push(error) })
    const call = { method: 'tools/call', params: { name: 'leave' } }
    const event = {
      ...V2,
      headers: { ...V2.headers, accept: ACCEPT_BOTH, 'content-type': 'application/json', ...headers(call) },
      requestContext: { ...V2.requestContext, http: { method: 'POST', sourceIp: '203.0.113.7' } },
      body: JSON.stringify(body(call)),
    } as unknown as typeof V2
    return { endpoint, work, errors, event }
  }

  test('is awaited before the invocation returns and the environment sleeps', async () => {
    const { endpoint, work, errors, event } = leaving()
    let returned = false
    const invocation = handler(endpoint)(event).then((result) => {
      returned = true
      return result
    })
    for (let i = 0; i < 50; i++) await new Promise(setImmediate)
    expect(returned).toBe(false)
    work.resolve()
    expect(await invocation).toMatchObject({ statusCode: 200, body: expect.stringContaining('left') })
    expect(errors).toEqual([])
    await endpoint.close()
  })

  test('is reported where it is not done when the time of the invocation is over', async () => {
    const { endpoint, work, errors, event } = leaving()
    expect(await handler(endpoint, 1_000)(event)).toMatchObject({ statusCode: 200 })
    expect(errors).toMatchObject([{ message: expect.stringContaining('tools/call "leave"') }])
    work.resolve()
    await endpoint.close()
  })
})

const { http } = V2.requestContext
test.each([
  ['an HTTP API with a stage', { ...V2, rawPath: '/v1/mcp', requestContext: { http, stage: 'v1' } }, '/mcp', '/v1'],
  ['the default stage', V2, '/mcp', ''],
  ['a REST API', { ...REST, requestContext: { ...REST.requestContext, path: '/prod/mcp' } }, '/mcp', '/prod'],
  [
    'a REST API on a domain with a base path',
    { ...REST, path: '/tools/mcp', requestContext: { ...REST.requestContext, path: '/tools/mcp' } },
    '/tools/mcp',
    '',
  ],
  ['a load balancer', { ...REST, requestContext: { elb: { targetGroupArn: 'arn' } } }, '/mcp', ''],
])('the endpoint gets to know what %s has cut off of the path', async (_, event, path, cut) => {
  const seen: [string, string][] = []
  const fetch: Endpoint['fetch'] = async (request, { mountedAt = '' } = {}) => {
    seen.push([new URL(request.url).pathname, mountedAt])
    return new Response()
  }
  await handler({ fetch })(event as typeof V2 | typeof REST)
  expect(seen).toEqual([[path, cut]])
})
