/** Bounds of what clients send and the endpoint keeps or repeats, in every kind of request. Ten times as much is refused. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import type { Store } from '../../lib/store/store.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage, request, toolCall } from '../support/raw.ts'

let endpoint: Endpoint
let other: Endpoint
const mail: string[] = []
const reasons: unknown[] = []
const errors: unknown[] = []
const sessions: Record<string, string> = {}
let legacy: EventReader
let legacyAddress = ''

function build(): McpServer {
  const server = new McpServer({ name: 'bounds', version: '1' }, { pageSize: 1 })
  const done = { content: [{ type: 'text' as const, text: 'done' }] }
  server.registerTool('report', {}, async (ctx) => {
    for (let i = 1; i <= 1_000; i++) await ctx.progress(i)
    return done
  })
  server.registerTool('wait', {}, async (ctx) => {
    await ctx.progress(1)
    await new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve()))
    reasons.push(ctx.signal.reason)
    return done
  })
  server.registerResource('r', 'note://1', {}, () => ({ contents: [{ uri: 'note://1', text: 'x' }] }))
  server.registerPrompt('p', {}, () => ({ messages: [] }))
  return server
}

async function send(headers: Record<string, string>, body: unknown, at = endpoint, url = 'http://localhost/mcp') {
  const init = { method: 'POST', headers: { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...headers } }
  return at.fetch(new Request(url, { ...init, body: JSON.stringify(body) }))
}

beforeAll(async () => {
  const memory = memoryStore()
  const store: Store = {
    ...memory,
    close: async () => {},
    send(instance, message) {
      mail.push(message)
      return memory.send(instance, message)
    },
  }
  const onError = (error: unknown) => void errors.push(error)
  endpoint = createEndpoint(build(), { store, legacySse: true, onError })
  other = createEndpoint(build(), { store, onError })
  for (const protocolVersion of ['2025-03-26', '2025-06-18', '2025-11-25']) {
    const params = { protocolVersion, capabilities: {}, clientInfo: { name: 't', version: '1' } }
    const response = await send({}, request(0, 'initialize', params))
    sessions[protocolVersion] = response.headers.get('mcp-session-id') ?? ''
  }
  legacy = new EventReader(await endpoint.fetch(new Request('http://localhost/sse')))
  legacyAddress = (await legacy.next())?.data ?? ''
})
afterAll(async () => {
  legacy.drop()
  await Promise.all([endpoint.close(), other.close()])
  expect(errors).toEqual([])
})

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

type Message = { method?: string; id?: string | number; params?: { name?: string; uri?: string; _meta?: object } }

const session = (version: string) => ({ 'mcp-session-id': sessions[version] ?? '' })

/** The ways in which a message reaches the endpoint. */
const WAYS: [string, (message: object) => Promise<Response>][] = [
  ['a session of 2025-11-25', (message) => send(session('2025-11-25'), message)],
  ['a session of 2025-06-18', (message) => send(session('2025-06-18'), message)],
  ['a batch of 2025-03-26', (message) => send(session('2025-03-26'), [request('first', 'ping'), message])],
  ['HTTP+SSE', (message) => send({}, message, endpoint, `http://localhost${legacyAddress}`)],
  [
    '2026-07-28',
    (given) => {
      const { params = {}, method = '', ...rest } = given as Message
      const headers = {
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method.slice(0, 9_000),
        ...((params.name ?? params.uri) && { 'mcp-name': (params.name ?? params.uri ?? '').slice(0, 9_000) }),
      }
      const named = method === '' ? {} : { method, params: { ...params, _meta: { ...META, ...params._meta } } }
      return send(headers, { ...rest, ...named })
    },
  ],
]

const long = (max: number) => 'x'.repeat(max)
const notification = (method: string, params: object) => ({ jsonrpc: '2.0', method, params })

/** Each member, its bound, and a message in which the member has a value of the given length. */
const MEMBERS: [member: string, max: number, make: (value: string) => object][] = [
  ['method', 1_024, (value) => request('1', value)],
  ['params.name', 1_024, (value) => request('1', 'tools/call', { name: value })],
  ['params.name', 1_024, (value) => request('1', 'prompts/get', { name: value })],
  ['params.uri', 8_192, (value) => request('1', 'resources/read', { uri: value })],
  ['params.uri', 2_048, (value) => request('1', 'resources/subscribe', { uri: value })],
  ['params.uri', 2_048, (value) => request('1', 'resources/unsubscribe', { uri: value })],
  ['params.cursor', 1_024, (cursor) => request('1', 'prompts/list', { cursor })],
  ['params.ref.name', 1_024, (name) => request('1', 'completion/complete', { ref: { type: 'ref/prompt', name } })],
  ['params.ref.uri', 8_192, (uri) => request('1', 'completion/complete', { ref: { type: 'ref/resource', uri } })],
  ['params.argument.name', 1_024, (name) => request('1', 'completion/complete', { argument: { name } })],
  ['params._meta.progressToken', 1_024, (progressToken) => request('1', 'ping', { _meta: { progressToken } })],
  ['params._meta.progressToken', 1_024, (progressToken) => toolCall('1', 'none', {}, { progressToken })],
  ['params.requestId', 1_024, (requestId) => notification('notifications/cancelled', { requestId })],
  [
    'params.notifications.resourceSubscriptions',
    2_048,
    (uri) => request('1', 'subscriptions/listen', { notifications: { resourceSubscriptions: ['note://1', uri] } }),
  ],
]

async function refusal(response: Response): Promise<RpcMessage> {
  const text = await response.text()
  expect(response.status, text).toBe(400)
  expect(text.length).toBeLessThan(1_000)
  return JSON.parse(text) as RpcMessage
}

describe.each(WAYS)('%s', (_way, post) => {
  // A notification of the stateless revision is acknowledged, and cancels nothing.
  test.each(MEMBERS)('has a bound of %s: %i', async (member, max, make) => {
    for (const value of [long(max + 1), long(10 * max)]) {
      const message = make(value) as Message
      const { id, error } = await refusal(await post(message))
      expect(error).toEqual({ code: -32602, message: expect.stringContaining(`"${member}" may have at most ${max}`) })
      expect(id).toBe(message.id)
    }
    const within = await post(make(long(max)))
    const text = within.headers.get('content-type') === 'text/event-stream' ? '' : await within.text()
    await within.body?.cancel().catch(() => {})
    expect(text).not.toContain('may have at most')
  })

  test.each([
    ['params._meta.progressToken', (value: number) => request('1', 'ping', { _meta: { progressToken: value } })],
    ['params.requestId', (value: number) => notification('notifications/cancelled', { requestId: value })],
  ])('refuses a number that JSON cannot repeat: %s', async (member, make) => {
    for (const value of [2 ** 53, -(2 ** 53), 1e300]) {
      const { error } = await refusal(await post(make(value)))
      expect(error).toMatchObject({ code: -32602, message: expect.stringContaining(`"${member}"`) })
    }
  })

  test('has a bound of ids, of requests and of responses', async () => {
    for (const message of [request(long(1_025), 'ping'), { jsonrpc: '2.0', id: long(10_240), result: {} }]) {
      const { error } = await refusal(await post(message))
      expect(error?.code).toBe(-32600)
      expect(error?.message).toContain('1024')
    }
  })
})

test('a revision that is asked for has a bound', async () => {
  const opening = request(1, 'initialize', { protocolVersion: long(640), capabilities: {} })
  expect((await refusal(await send({}, opening))).error).toMatchObject({ code: -32602 })
  const meta = { ...META, 'io.modelcontextprotocol/protocolVersion': long(640) }
  const stateless = request(1, 'ping', { _meta: meta })
  expect((await refusal(await send({ 'mcp-protocol-version': '2026-07-28' }, stateless))).error?.code).toBe(-32602)
  const headers = { ...session('2025-11-25'), 'mcp-protocol-version': long(640) }
  expect((await refusal(await send(headers, request(1, 'ping')))).error?.message).toContain('at most 64')
})

test('session ids have a bound, in the header and in the query', async () => {
  const { error } = await refusal(await send({ 'mcp-session-id': long(2_560) }, request(1, 'ping')))
  expect(error?.message).toBe('Mcp-Session-Id may have at most 256 characters.')
  const url = `http://localhost/messages?sessionId=${long(2_560)}`
  expect((await refusal(await send({}, request(1, 'ping'), endpoint, url))).error?.message).toContain('256')
})

test('headers that are repeated in an error are cut', async () => {
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': long(8_000) }
  const { error } = await refusal(await send(headers, request(1, 'tools/list', { _meta: META })))
  expect(error).toMatchObject({ code: -32020, message: expect.stringContaining(`${long(100)}…`) })
})

test('a name that is no text is not repeated', async () => {
  const name = { nested: long(100_000) }
  for (const method of ['tools/call', 'prompts/get']) {
    const text = await (await send(session('2025-11-25'), request(1, method, { name }))).text()
    expect(JSON.parse(text)).toMatchObject({ error: { code: -32602, message: '"name" must be a string.' } })
  }
})

test('a progress token of the greatest length is repeated in a thousand messages, and one of a megabyte in none', async () => {
  const huge = toolCall(1, 'report', {}, { progressToken: long(1_000_000) })
  await refusal(await send(session('2025-11-25'), huge))
  const reader = new EventReader(
    await send(session('2025-11-25'), toolCall(1, 'report', {}, { progressToken: long(1_024) })),
  )
  const messages = await reader.rest()
  expect(messages).toHaveLength(1_001)
  expect(messages[999]?.params.progressToken).toBe(long(1_024))
})

test('the reason of a cancel is cut to 200 characters, here and in the mail to another instance', async () => {
  for (const at of [endpoint, other]) {
    const id = at === endpoint ? 'here' : 'there'
    const reader = new EventReader(
      await send(session('2025-11-25'), toolCall(id, 'wait', {}, { progressToken: 1 }), endpoint),
    )
    await reader.until(({ params }) => params?.progress === 1)
    const reason = `${'r'.repeat(199)}😀${'r'.repeat(5_000)}`
    const cancel = notification('notifications/cancelled', { requestId: id, reason })
    expect((await send(session('2025-11-25'), cancel, at)).status).toBe(202)
    await reader.rest()
  }
  const texts = reasons.map((reason) => (reason instanceof Error ? reason.message : String(reason)))
  expect(texts).toHaveLength(2)
  for (const text of texts) expect(text).toMatch(/^r{199}.…$/)
  const [cancel = ''] = mail.filter((text) => text.includes('"cancel"'))
  expect(cancel.length).toBeLessThan(400)
})
