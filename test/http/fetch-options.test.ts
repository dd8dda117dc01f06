/** What a framework hands over with a request: the body that it has parsed, and the caller that it has checked. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { MiddlewareAuth } from '../../lib/auth/middleware.ts'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { Signer } from '../support/authorization.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ACCEPT_BOTH, answerOf, EventReader, type RpcMessage, request, toolCall } from '../support/raw.ts'

const RESOURCE = 'https://mcp.example/mcp'
let signer: Signer
let endpoint: Endpoint
let errors: Error[]

beforeAll(async () => {
  signer = await Signer.create('https://as.example', RESOURCE)
})
afterEach(() => endpoint?.close())

function start(options: EndpointOptions = {}, scoped = false): Endpoint {
  const server = new McpServer({ name: 'notes', version: '1' })
  server.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, ({ text }) => ({
    content: [{ type: 'text', text }],
  }))
  server.registerTool('whoami', {}, ({ auth, principal }) => ({
    content: [{ type: 'text', text: JSON.stringify({ auth, principal }) }],
  }))
  if (scoped) server.registerTool('write', { requiredScopes: ['write'] }, () => ({ content: [] }))
  errors = []
  endpoint = createEndpoint(server, { onError: (error) => errors.push(error as Error), ...options })
  return endpoint
}

interface Given {
  parsedBody?: unknown
  auth?: unknown
  headers?: Record<string, string>
  session?: string
}

/** Sends a POST whose body, as on Node, a framework has read. */
async function send({ headers = {}, session, ...options }: Given): Promise<Response> {
  const init = {
    'content-type': 'application/json',
    accept: ACCEPT_BOTH,
    ...(session !== undefined && { 'mcp-session-id': session }),
  }
  const asked = new Request(RESOURCE, { method: 'POST', headers: { ...init, ...headers } })
  return endpoint.fetch(asked, options as { auth: MiddlewareAuth })
}

const PARAMS = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
const INITIALIZE = request(0, 'initialize', PARAMS)

async function open(auth?: unknown, protocolVersion = '2025-11-25'): Promise<string> {
  const parsedBody = { ...INITIALIZE, params: { ...PARAMS, protocolVersion } }
  const response = await send({ parsedBody, auth })
  expect(response.status).toBe(200)
  await response.text()
  return response.headers.get('mcp-session-id') ?? ''
}

async function refusal(response: Response): Promise<{ status: number; code?: number; message?: string }> {
  const { error } = (await response.json()) as RpcMessage
  return { status: response.status, ...(error && { code: error.code, message: error.message }) }
}

test('fetch gives a promise for every path', () => {
  start()
  for (const path of ['/healthz', '/mcp', '/nothing']) {
    expect(endpoint.fetch(new Request(`https://mcp.example${path}`))).toBeInstanceOf(Promise)
  }
})

describe('a parsed body', () => {
  test('is served like the bytes of one, and stays as it was', async () => {
    start()
    const session = await open()
    const body = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'whoami', arguments: null, _meta: null },
    }
    const before = structuredClone(body)
    Object.freeze(body.params)
    const answer = await answerOf(await send({ parsedBody: Object.freeze(body), session }))
    expect(answer.result.content).toHaveLength(1)
    expect(body).toEqual(before)
  })

  test('of the stateless revision is served', async () => {
    start()
    const parsedBody = toolCall(
      1,
      'echo',
      { text: 'a' },
      {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    )
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' }
    expect((await answerOf(await send({ parsedBody, headers }))).result.content[0].text).toBe('a')
  })

  test('may be a batch, which has the bounds of a batch', async () => {
    start()
    const session = await open(undefined, '2025-03-26')
    const headers = { 'mcp-protocol-version': '2025-03-26' }
    const batch = (size: number) => Array.from({ length: size }, (_, i) => request(i + 1, 'ping'))
    const response = await send({ parsedBody: batch(2), session, headers })
    expect(await response.json()).toHaveLength(2)
    expect(await refusal(await send({ parsedBody: batch(51), session, headers }))).toMatchObject({
      status: 400,
      code: -32600,
    })
    expect(await refusal(await send({ parsedBody: [], session, headers }))).toMatchObject({ status: 400, code: -32600 })
  })

  test.each([
    ['null', null],
    ['a number', 3],
    ['a message without jsonrpc', { id: 1, method: 'ping' }],
    ['an id that is none', { jsonrpc: '2.0', id: 1.5, method: 'ping' }],
  ])('that is %s is refused as the bytes would be', async (_, parsedBody) => {
    start()
    const asked = new Request(RESOURCE, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: ACCEPT_BOTH },
      body: JSON.stringify(parsedBody),
    })
    const usual = await refusal(await endpoint.fetch(asked))
    expect(usual.status).toBe(400)
    expect(await refusal(await send({ parsedBody }))).toEqual(usual)
  })

  test('that would be too large or too deep is refused, in the bytes of UTF-8', async () => {
    start({ http: { maxBytes: 1_000, maxDepth: 10 } })
    const session = await open()
    const echo = (text: string) => send({ parsedBody: toolCall(1, 'echo', { text }), session })
    expect((await answerOf(await echo('ä'.repeat(400)))).result.content[0].text).toHaveLength(400)
    expect((await echo('ä'.repeat(500))).status).toBe(413)
    expect((await echo('a'.repeat(1_000))).status).toBe(413)
    let deep: unknown = []
    for (let i = 0; i < 10; i++) deep = [deep]
    expect(await refusal(await send({ parsedBody: toolCall(1, 'echo', { text: deep }), session }))).toEqual({
      status: 400,
      code: -32600,
      message: 'The body is nested deeper than 10 levels.',
    })
    const circular: unknown[] = []
    circular.push(circular)
    expect((await send({ parsedBody: circular })).status).toBe(400)
  })

  test('counts as bytes that the instance holds', async () => {
    start({ http: { maxMemory: 1024 * 1024 } })
    const session = await open()
    const response = await send({ parsedBody: toolCall(1, 'echo', { text: 'a'.repeat(400_000) }), session })
    expect(response.status).toBe(200)
    await response.text()
    await endpoint.settled()
    expect(endpoint.held().requests).toBe(0)
  })

  test('that JSON cannot have is a fault of the app, which the operator hears of', async () => {
    start()
    const session = await open()
    for (const bad of [new Date(), new Map(), 1n, Number.NaN, () => {}]) {
      expect((await send({ parsedBody: toolCall(1, 'echo', { text: bad }), session })).status).toBe(500)
      expect(errors.at(-1)?.message).toMatch(/^parsedBody must be a value as JSON.parse gives it; it has a /)
    }
  })

  test('has no prototype of its client', async () => {
    start()
    const session = await open()
    const parsedBody = JSON.parse(
      JSON.stringify(toolCall(1, 'echo', { text: 'a' })).replace('"text"', '"__proto__":{"text":"b"},"x"'),
    )
    const { result } = await answerOf(await send({ parsedBody, session }))
    expect(result.isError).toBe(true)
  })

  test.each([
    ['text', (text: string) => text],
    ['bytes', (text: string) => Buffer.from(text)],
  ])('may be the %s of JSON, which is read as strictly', async (_, form) => {
    start()
    const session = await open()
    const text = JSON.stringify(toolCall(1, 'echo', { text: 'a' }))
    expect((await answerOf(await send({ parsedBody: form(`\uFEFF${text}`), session }))).result.content[0].text).toBe(
      'a',
    )
    expect(await refusal(await send({ parsedBody: form(text.slice(1)), session }))).toMatchObject({
      status: 400,
      code: -32700,
    })
  })

  test('needs the type of JSON, while its coding and its charset were the work of the framework', async () => {
    start()
    const session = await open()
    const ping = (type: string) =>
      send({ parsedBody: request(1, 'ping'), session, headers: { 'content-type': type, 'content-encoding': 'gzip' } })
    expect((await ping('text/plain')).status).toBe(415)
    expect((await ping('application/json; charset=utf-16le')).status).toBe(200)
  })

  test('of HTTP+SSE is taken at /messages', async () => {
    start({ legacySse: true })
    const reader = new EventReader(
      await endpoint.fetch(new Request('https://mcp.example/sse', { headers: { accept: 'text/event-stream' } })),
    )
    const address = (await reader.next())?.data ?? ''
    const headers = { 'content-type': 'application/json' }
    const asked = new Request(new URL(address, RESOURCE), { method: 'POST', headers })
    const parsedBody = {
      ...INITIALIZE,
      params: { ...PARAMS, protocolVersion: '2024-11-05' },
    }
    expect((await endpoint.fetch(asked, { parsedBody })).status).toBe(202)
    expect((await reader.message())?.result.protocolVersion).toBe('2024-11-05')
    reader.drop()
  })

  test('that was read and is missing is a fault of the app', async () => {
    start()
    const asked = new Request(RESOURCE, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(INITIALIZE),
    })
    await asked.text()
    expect(await refusal(await endpoint.fetch(asked))).toEqual({
      status: 500,
      code: -32603,
      message: 'The app has read the body of the request, and has not handed it over.',
    })
    expect(errors.at(-1)?.message).toContain('Pass it to endpoint.fetch as parsedBody')
  })
})

const ada: MiddlewareAuth = {
  token: 't1',
  clientId: 'app',
  scopes: ['mcp'],
  extra: { iss: 'https://as.example', sub: 'ada' },
}

async function whoami(auth: unknown, session?: string) {
  const given: Given = { parsedBody: toolCall(1, 'whoami'), auth }
  const { result } = await answerOf(await send({ ...given, session: session ?? (await open(auth)) }))
  return JSON.parse(result.content[0].text)
}

describe('a checked caller', () => {
  const own = () => ({ issuer: signer.issuer, resource: RESOURCE, jwks: signer.keys })

  test('is what handlers see', async () => {
    start()
    const expiresAt = Math.floor(Date.now() / 1_000) + 60
    expect((await whoami({ ...ada, expiresAt })).auth).toEqual({
      issuer: 'https://as.example',
      subject: 'ada',
      clientId: 'app',
      scopes: ['mcp'],
      claims: ada.extra,
      token: 't1',
      expiresAt,
    })
  })

  test('is the same principal with a refreshed token, and as the own check of the endpoint gives it', async () => {
    start({ auth: own() })
    const session = await open(ada)
    expect((await send({ parsedBody: request(1, 'ping'), auth: { ...ada, token: 't2' }, session })).status).toBe(200)
    const headers = { authorization: `Bearer ${await signer.token()}` }
    expect((await send({ parsedBody: request(1, 'ping'), headers, session })).status).toBe(200)
  })

  test.each([
    ['another user of the same application', { ...ada, extra: { ...ada.extra, sub: 'bob' } }],
    ['the same user in another application', { ...ada, clientId: 'other' }],
    ['a user of another issuer', { ...ada, extra: { iss: 'https://other.example', sub: 'ada' } }],
    ['the same application without a user', { ...ada, extra: {} }],
    ['nobody', undefined],
  ])('has sessions that are not those of %s', async (_, other) => {
    start()
    const session = await open(ada)
    expect((await send({ parsedBody: request(1, 'ping'), auth: other, session })).status).toBe(404)
  })

  test('without a user is its token: two users of an application never share a session', async () => {
    start()
    const nobody = { token: 't1', clientId: 'app', scopes: [] }
    const session = await open(nobody)
    expect((await send({ parsedBody: request(1, 'ping'), auth: nobody, session })).status).toBe(200)
    expect((await send({ parsedBody: request(1, 'ping'), auth: { ...nobody, token: 't2' }, session })).status).toBe(404)
    const [first, second] = [await whoami(nobody), await whoami({ ...nobody, token: 't2' })]
    expect(first.auth.subject).toMatch(/^token:/)
    expect(first.auth.subject).not.toBe(second.auth.subject)
    expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining('has no extra.sub')])
  })

  test('without which the own check of the endpoint is asked', async () => {
    start({ auth: own() })
    const response = await send({ parsedBody: INITIALIZE })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toContain('resource_metadata=')
  })

  test('is required where nothing else checks', async () => {
    start({ auth: 'middleware' }, true)
    const response = await send({ parsedBody: INITIALIZE, headers: { authorization: 'Bearer any' } })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    await open(ada)
  })

  test('needs the scopes of the endpoint and of its tools', async () => {
    start({ auth: { ...own(), scopes: ['mcp'] } }, true)
    expect((await send({ parsedBody: INITIALIZE, auth: { ...ada, scopes: [] } })).status).toBe(403)
    const session = await open(ada)
    const write = { parsedBody: toolCall(1, 'write'), session }
    const refused = await send({ ...write, auth: ada })
    expect(refused.status).toBe(403)
    expect(refused.headers.get('www-authenticate')).toContain('scope="write mcp"')
    expect((await send({ ...write, auth: { ...ada, scopes: ['mcp', 'write'] } })).status).toBe(200)
  })

  test('whose token has expired or is for another resource is refused', async () => {
    const clock = new ManualClock()
    start({ auth: own(), clock })
    const at = (ms: number) => ({ ...ada, expiresAt: (clock.wall() + ms) / 1_000 })
    await open(at(-59_000))
    const late = await send({ parsedBody: INITIALIZE, auth: at(-61_000) })
    expect([late.status, late.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('has expired')])
    await open({ ...ada, resource: new URL(`${RESOURCE}#part`) })
    expect(
      (await send({ parsedBody: INITIALIZE, auth: { ...ada, resource: new URL('https://other.example/mcp') } })).status,
    ).toBe(401)
  })

  test('ends a stream when its token expires', async () => {
    const clock = new ManualClock()
    start({ auth: 'middleware', clock, store: memoryStore({ clock }), session: { heartbeat: 0 } })
    const auth = { ...ada, expiresAt: (clock.wall() + 10_000) / 1_000 }
    const session = await open(auth)
    const headers = { accept: 'text/event-stream', 'mcp-session-id': session }
    const reader = new EventReader(await endpoint.fetch(new Request(RESOURCE, { headers }), { auth }))
    await reader.next()
    await clock.advance(71_000)
    await reader.rest()
    expect(reader.broken).toBe(false)
  })

  test('counts for the rate of its principal', async () => {
    start({ http: { principalRate: { perSecond: 1, burst: 2 } } })
    await open(ada)
    await open(ada)
    expect((await send({ parsedBody: INITIALIZE, auth: ada })).status).toBe(429)
    await open({ ...ada, extra: { sub: 'bob' } })
  })

  test.each([
    ['a text', 'ada'],
    ['the claims of a token', { sub: 'ada', iss: 'https://as.example' }],
    ['one with scopes in a text', { token: 't', clientId: 'a', scopes: 'mcp' }],
    ['one with a date', { ...ada, expiresAt: new Date() }],
    ['null', null],
  ])('that is %s is a fault of the app, and nobody is let in', async (_, auth) => {
    start()
    expect((await send({ parsedBody: INITIALIZE, auth })).status).toBe(500)
    expect(errors.at(-1)?.message).toMatch(/^auth of a request must be \{ token, clientId, scopes/)
  })
})
