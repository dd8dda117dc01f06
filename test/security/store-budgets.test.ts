/** The memory of the store: no client fills it, and a store that is nearly full refuses what adds to it, and nothing else. */
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { sessionKey } from '../../lib/session/stream/session.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { Store } from '../../lib/store/store.ts'
import { body, headers as headersOf } from '../stateless/requests.ts'
import { eventually } from '../support/eventually.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage, request, toolCall } from '../support/raw.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

const KIB = 1024
const MIB = 1024 * KIB
const ANY = { type: 'object' } as const
let redis: RedisServer
let admin: Redis
let endpoints: Endpoint[] = []
const waiting: (() => void)[] = []

beforeAll(async () => {
  redis = await startRedis({ args: ['--maxmemory', '128mb', '--maxmemory-policy', 'noeviction'] })
  admin = new Redis(redis.url)
})
afterAll(async () => {
  await admin.quit()
  await redis.stop()
})
beforeEach(async () => void (await admin.flushall()))
afterEach(async () => {
  for (const done of waiting.splice(0)) done()
  await Promise.all(endpoints.map((endpoint) => endpoint.close()))
  endpoints = []
})

function build(): McpServer {
  const server = new McpServer({ name: 'store-budgets', version: '1' })
  server.registerTool('quick', {}, () => ({ content: [{ type: 'text', text: 'quick' }] }))
  server.registerTool('wait', { inputSchema: ANY, annotations: { readOnlyHint: true } }, async () => {
    await new Promise<void>((resolve) => waiting.push(resolve))
    return { content: [{ type: 'text', text: 'waited' }] }
  })
  server.registerTool('say', { inputSchema: ANY }, async (args, ctx) => {
    const { times, bytes } = args as { times: number; bytes: number }
    for (let i = 0; i < times; i++) await ctx.log('info', 'x'.repeat(bytes))
    return { content: [{ type: 'text', text: 'said' }] }
  })
  server.registerTool('ask', {}, async (ctx) => {
    const { action } = await ctx.elicit('?', { type: 'object', properties: {} })
    return { content: [{ type: 'text', text: action }] }
  })
  server.registerTool('who', {}, (ctx) => ({ content: [{ type: 'text', text: JSON.stringify(ctx.client) }] }))
  server.registerTool('keep', { inputSchema: ANY }, async (args, ctx) => {
    await ctx.session?.set('value', args)
    return { content: [{ type: 'text', text: 'kept' }] }
  })
  server.registerTool('remember', {}, async (ctx) => {
    await ctx.user.set('value', 'x'.repeat(10 * MIB))
    return { content: [{ type: 'text', text: 'remembered' }] }
  })
  return server
}

function start(options: EndpointOptions = {}): Endpoint {
  const endpoint = createEndpoint(build(), { store: redisStore(redis.url), onError: () => {}, ...options })
  endpoints.push(endpoint)
  return endpoint
}

interface Init {
  headers?: Record<string, string>
  from?: string
  method?: string
}

async function send(
  endpoint: Endpoint,
  message: object | undefined,
  { headers = {}, from, method = 'POST' }: Init = {},
) {
  const all = { accept: method === 'GET' ? 'text/event-stream' : ACCEPT_BOTH, 'content-type': 'application/json' }
  const text = message === undefined ? null : JSON.stringify(message)
  const made = new Request('http://localhost/mcp', { method, body: text, headers: { ...all, ...headers } })
  return endpoint.fetch(made, { incoming: { socket: { remoteAddress: from } } })
}

const INITIALIZE = request(0, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: { elicitation: {} },
  clientInfo: { name: 't', version: '1' },
})

async function open(endpoint: Endpoint, from?: string): Promise<Record<string, string>> {
  const response = await send(endpoint, INITIALIZE, from === undefined ? {} : { from })
  expect(response.status).toBe(200)
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
}

async function expectRefusal(response: Response, status: number, text: string): Promise<void> {
  expect(response.status).toBe(status)
  if (status !== 400) expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await response.json()).toMatchObject({
    error: { code: expect.any(Number), message: expect.stringContaining(text) },
  })
}

async function usedMemory(): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await admin.info('memory'))?.[1])
}

async function fill(share: number): Promise<void> {
  const chunk = 'x'.repeat(MIB)
  for (let i = 0; (await usedMemory()) < share * 128 * MIB; i++) await admin.set(`filler:${i}`, chunk, 'PX', 600_000)
}

/** Messages of a response, whether it is JSON or a stream. */
async function messagesOf(response: Response): Promise<RpcMessage[]> {
  if (response.headers.get('content-type') === 'application/json') return [(await response.json()) as RpcMessage]
  return new EventReader(response).rest()
}

describe('a Redis that is nearly full', () => {
  test('takes no new session and no new log, and all that adds nothing goes on', async () => {
    const before = start()
    const [headers, ended] = [await open(before), await open(before)]
    const asking = new EventReader(await send(before, toolCall('asked', 'ask'), { headers }))
    const { message: ask } = await asking.until(({ method }) => method === 'elicitation/create')
    const running = send(before, toolCall('running', 'wait'), { headers })
    await fill(0.85)
    const endpoint = start()
    const refused = await eventually(async () => {
      const response = await send(endpoint, INITIALIZE)
      return response.status === 503 ? response : undefined
    })
    await expectRefusal(refused, 503, 'nearly full')
    // Short calls, stateless calls, answers, cancels and DELETE.
    expect(await messagesOf(await send(endpoint, toolCall(1, 'quick'), { headers }))).toMatchObject([
      { id: 1, result: {} },
    ])
    const stateless = { method: 'tools/call', params: { name: 'quick', arguments: {} } }
    expect((await send(endpoint, body(stateless), { headers: headersOf(stateless) })).status).toBe(200)
    const answer = { jsonrpc: '2.0', id: ask?.id, result: { action: 'decline' } }
    expect((await send(endpoint, answer, { headers })).status).toBe(202)
    expect((await asking.rest()).at(-1)).toMatchObject({ result: { content: [{ text: 'decline' }] } })
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'none' } }
    expect((await send(endpoint, cancel, { headers })).status).toBe(202)
    for (const done of waiting.splice(0)) done()
    expect((await messagesOf(await running)).at(-1)).toMatchObject({ id: 'running', result: {} })
    expect((await send(endpoint, undefined, { method: 'DELETE', headers: ended })).status).toBe(204)
    // A call that would stream has its response as JSON, and one that asks has an error that says why.
    const said = await send(endpoint, toolCall(2, 'say', { times: 50, bytes: 1_000 }), { headers })
    expect(said.headers.get('content-type')).toBe('application/json')
    expect(await said.json()).toMatchObject({ id: 2, result: { content: [{ text: 'said' }] } })
    const [asked] = await messagesOf(await send(endpoint, toolCall(3, 'ask'), { headers }))
    expect(asked).toMatchObject({ id: 3, result: { isError: true } })
    expect(JSON.stringify(asked)).toContain('no room for a log')
    // Everything goes on when there is room again.
    await admin.unlink(await admin.keys('filler:*'))
    await eventually(async () => ((await send(endpoint, INITIALIZE)).status === 200 ? true : undefined))
    const again = await messagesOf(await send(endpoint, toolCall(4, 'say', { times: 2, bytes: 10 }), { headers }))
    expect(again).toHaveLength(3)
  }, 60_000)
})

describe('one client', () => {
  const from = '203.0.113.9'

  test('that has far more logged than its session may keep fills nothing, and gets every response', async () => {
    const endpoint = start({ store: redisStore({ url: redis.url, sessionBytes: 2 * MIB }) })
    const headers = await open(endpoint, from)
    const before = await usedMemory()
    for (let i = 0; i < 20; i++) {
      const call = toolCall(i, 'say', { times: 32, bytes: 32 * KIB })
      const messages = await messagesOf(await send(endpoint, call, { headers, from }))
      expect(messages.at(-1)).toMatchObject({ id: i, result: { content: [{ text: 'said' }] } })
    }
    expect((await usedMemory()) - before).toBeLessThan(4 * MIB)
  })

  test('that keeps more than it may in all its sessions opens no session, until it ends some', async () => {
    const endpoint = start({ session: { maxStored: MIB } })
    const sessions = [await open(endpoint, from), await open(endpoint, from), await open(endpoint, from)]
    for (const headers of sessions) {
      const call = toolCall(1, 'say', { times: 15, bytes: 32 * KIB })
      await messagesOf(await send(endpoint, call, { headers, from }))
    }
    await endpoint.settled()
    await expectRefusal(await send(endpoint, INITIALIZE, { from }), 429, 'session.maxStored')
    const other = start({ session: { maxStored: MIB } })
    // Another instance learns it with the next bytes; another address is not concerned.
    await open(other, '203.0.113.10')
    const [headers = {}] = sessions
    const json = await send(endpoint, toolCall(2, 'say', { times: 2, bytes: 10 }), { headers, from })
    expect(json.headers.get('content-type')).toBe('application/json')
    await json.text()
    for (const one of sessions.slice(1)) await send(endpoint, undefined, { method: 'DELETE', headers: one, from })
    await endpoint.settled()
    await open(endpoint, from)
  })

  test('that opens sessions and uses them is counted for as long as they live', async () => {
    const endpoint = start({ session: { maxStored: 100 * KIB, firstLifetime: 1_000 } })
    const capabilities = { experimental: { a: { text: 'x'.repeat(3_000) } } }
    const message = request(0, 'initialize', {
      protocolVersion: '2025-11-25',
      capabilities,
      clientInfo: { name: 't', version: '1' },
    })
    let refused: Response | undefined
    for (let i = 0; i < 60 && !refused; i++) {
      const response = await send(endpoint, message, { from })
      if (response.status !== 200) refused = response
      const headers = { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
      if (!refused) await send(endpoint, request(1, 'ping'), { headers, from })
      await endpoint.settled()
    }
    await expectRefusal(refused as Response, 429, 'session.maxStored')
    expect(await admin.pttl((await admin.keys('mcp:held:*'))[0] ?? '')).toBeGreaterThan(3_600_000)
  })

  test('whose initialize is long is refused, and nothing is kept', async () => {
    const endpoint = start()
    const message = request(0, 'initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 't'.repeat(16_000), version: '1' },
    })
    await expectRefusal(await send(endpoint, message), 400, 'The texts in "clientInfo" may have 4096 characters')
    expect(await admin.keys('mcp:{*')).toEqual([])
  })

  test('whose initialize has icons, unknown members or long capabilities leaves none of these in the store', async () => {
    const endpoint = start()
    const long = 'A'.repeat(16_000)
    const described = { name: 't', version: '1', title: 'T', description: 'D', websiteUrl: 'https://t.example' }
    const capabilities = { elicitation: { form: {}, url: { x: 1 } }, roots: { listChanged: true } }
    for (const [more, moreInfo] of [
      [{}, { icons: [{ src: `data:image/png;base64,${long}`, mimeType: 'image/png' }], other: long }],
      [{ experimental: { a: { text: long } }, extensions: { b: { text: long } } }, {}],
      [{ sampling: { tools: {}, other: long } }, { other: long }],
    ]) {
      const response = await send(
        endpoint,
        request(0, 'initialize', {
          protocolVersion: '2025-11-25',
          capabilities: { ...capabilities, ...more },
          clientInfo: { ...described, ...moreInfo },
        }),
      )
      expect(response.status).toBe(200)
      const headers = { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
      const { result } = (await (await send(endpoint, toolCall(1, 'who'), { headers })).json()) as RpcMessage
      const client = JSON.parse(result.content[0].text)
      expect(client.info).toEqual(described)
      expect(client).toMatchObject({
        capabilities: { elicitation: { form: {}, url: {} }, roots: {} },
      })
      const [key = ''] = (await admin.keys('mcp:{*}')).filter((name) => /^mcp:\{[^}]+\}$/.test(name))
      expect(await admin.memory('USAGE', key, 'SAMPLES', 0)).toBeLessThan(2 * KIB)
      await send(endpoint, undefined, { method: 'DELETE', headers })
      await endpoint.settled()
    }
  })

  test('leaves a bounded number of cancel marks', async () => {
    const endpoint = start()
    const headers = await open(endpoint)
    for (let i = 0; i < 2_000; i += 100) {
      const cancels = Array.from({ length: 100 }, (_, n) => {
        const requestId = `${i + n}`.padEnd(1_000, 'x')
        return send(endpoint, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } }, { headers })
      })
      expect((await Promise.all(cancels)).every(({ status }) => status === 202)).toBe(true)
    }
    expect(await admin.keys('mcp:{*}:cancel:*')).toHaveLength(200)
  })

  test('subscribes to a bounded number of bytes', async () => {
    const endpoint = start()
    const headers = await open(endpoint)
    let refused: RpcMessage | undefined
    for (let i = 0; i < 1_000; i++) {
      const uri = `note://${i}/`.padEnd(2_000, 'x')
      const [message] = await messagesOf(await send(endpoint, request(i, 'resources/subscribe', { uri }), { headers }))
      if (message?.error) refused ??= message
    }
    expect(refused?.error?.message).toContain('262144')
    const [key = ''] = (await admin.keys('mcp:{*}')).filter((name) => /^mcp:\{[^}]+\}$/.test(name))
    expect(await admin.memory('USAGE', key, 'SAMPLES', 0)).toBeLessThan(400 * KIB)
  })

  test('whose requests are long leaves none of them in the store', async () => {
    const endpoint = start()
    const headers = await open(endpoint)
    const before = await usedMemory()
    const calls = Array.from({ length: 10 }, (_, i) =>
      send(endpoint, toolCall(i, 'wait', { padding: 'x'.repeat(3 * MIB) }), { headers }),
    )
    // The store has the calls.
    await eventually(async () => {
      const [live] = await admin.keys('mcp:{*}:live')
      const fields = live === undefined ? [] : await admin.hkeys(live)
      return fields.filter((field) => field.startsWith('o:')).length === 10 ? true : undefined
    })
    expect((await usedMemory()) - before).toBeLessThan(8 * MIB)
    for (const done of waiting.splice(0)) done()
    expect((await Promise.all(calls)).every(({ status }) => status === 200)).toBe(true)
  })

  test('whose values are long gets an error of the handler, and the values from before stay', async () => {
    const endpoint = start({ store: redisStore({ url: redis.url, dataBytes: 100 * KIB }) })
    const headers = await open(endpoint)
    const keep = async (bytes: number) =>
      (await messagesOf(await send(endpoint, toolCall(1, 'keep', { text: 'x'.repeat(bytes) }), { headers })))[0]
    expect(await keep(50 * KIB)).toMatchObject({ result: { content: [{ text: 'kept' }] } })
    const refused = await keep(MIB)
    expect(refused).toMatchObject({ result: { isError: true } })
    expect(JSON.stringify(refused)).toContain('as many bytes as they may')
    const [remembered] = await messagesOf(await send(endpoint, toolCall(2, 'remember'), { headers }))
    expect(JSON.stringify(remembered)).toContain('1048576')
    expect(await admin.keys('mcp:user:*')).toEqual([])
  })
})

describe('HTTP+SSE, whose responses go by way of a log', () => {
  const from = '203.0.113.9'

  /** Opens a session and sends `calls` calls of a megabyte. Their statuses, and the ids of the responses on the stream. */
  async function storm(endpoint: Endpoint, calls: number) {
    const env = { incoming: { socket: { remoteAddress: from } } }
    const stream = await endpoint.fetch(new Request('http://localhost/sse'), env)
    const reader = new EventReader(stream)
    const address = (await reader.next())?.data ?? ''
    const ids: unknown[] = []
    const post = (message: object) => {
      const headers = { 'content-type': 'application/json' }
      const made = new Request(`http://localhost${address}`, { method: 'POST', body: JSON.stringify(message), headers })
      return endpoint.fetch(made, env)
    }
    const accepted: unknown[] = []
    const refused: Response[] = []
    for (let i = 0; i < calls; i++) {
      const response = await post(toolCall(i, 'say', { times: 20, bytes: 50 * KIB }))
      if (response.status !== 202) refused.push(response)
      else {
        accepted.push(i)
        ids.push((await reader.until(({ id }) => id === i)).message?.id)
      }
      await endpoint.settled()
    }
    return { accepted, ids, refused, post, reader }
  }

  test.each([
    ['memory', () => memoryStore({ maxBytes: 24 * MIB })],
    ['Redis', () => redisStore(redis.url)],
  ] as const)(
    'is refused where the store is nearly full, before the handler begins (%s)',
    async (name, make) => {
      const endpoint = start({ store: make(), legacySse: true })
      if (name === 'Redis') await fill(0.7)
      const { accepted, ids, post, reader } = await storm(endpoint, 22)
      expect(ids).toEqual(accepted)
      // The store looks at its memory every few seconds.
      const refused = await eventually(async () => {
        const response = await post(toolCall('short', 'quick'))
        return response.status === 202 ? undefined : response
      })
      await expectRefusal(refused, 503, 'HTTP+SSE')
      // What needs no log goes on.
      expect((await post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })).status).toBe(
        202,
      )
      reader.drop()
    },
    60_000,
  )

  test('is counted for its client, and refused where that keeps as much as it may', async () => {
    const endpoint = start({ session: { maxStored: MIB }, legacySse: true })
    const { accepted, ids, refused, reader } = await storm(endpoint, 20)
    expect(ids).toEqual(accepted)
    expect(accepted.length).toBeLessThan(10)
    await expectRefusal(refused[0] as Response, 429, 'session.maxStored')
    reader.drop()
  })
})

describe('HTTP+SSE, whose one stream is never resumed', () => {
  const from = '203.0.113.9'

  test.each([
    ['memory', () => memoryStore()],
    ['Redis', () => redisStore(redis.url)],
  ] as const)('keeps next to nothing of what was delivered (%s)', async (_, make) => {
    const store = make()
    const endpoint = start({ store, legacySse: true })
    const env = { incoming: { socket: { remoteAddress: from } } }
    const reader = new EventReader(await endpoint.fetch(new Request('http://localhost/sse'), env))
    const address = (await reader.next())?.data ?? ''
    for (let i = 0; i < 20; i++) {
      const body = JSON.stringify(toolCall(i, 'say', { times: 20, bytes: 32 * KIB }))
      const headers = { 'content-type': 'application/json' }
      const made = new Request(`http://localhost${address}`, { method: 'POST', body, headers })
      expect((await endpoint.fetch(made, env)).status).toBe(202)
      expect((await reader.until(({ id }) => id === i)).message?.id).toBe(i)
    }
    await endpoint.settled()
    const key = sessionKey('', new URL(address, 'http://localhost').searchParams.get('sessionId') ?? '')
    const left = (await store.readLog(key, 'get')).reduce((sum, { data }) => sum + data.length, 0)
    expect(await store.changePosition(key)).toBeDefined()
    expect(left).toBeLessThan(128 * KIB)
    reader.drop()
  })
})

describe('the log of a call that has ended', () => {
  /** How long the logs live, in ms, by the request id in their names. */
  async function lifetimes(): Promise<Record<string, number>> {
    const keys = await admin.keys('mcp:{*}:log:*')
    const named = keys.map(async (key) => {
      const id = Buffer.from(key.split('~')[1] ?? '', 'base64url').toString()
      return [id, await admin.pttl(key)] as const
    })
    return Object.fromEntries(await Promise.all(named))
  }

  test('lives for a minute once its client was sent the last message, and can be resumed until then', async () => {
    const endpoint = start()
    const headers = await open(endpoint)
    const reader = new EventReader(await send(endpoint, toolCall(1, 'say', { times: 3, bytes: 10 }), { headers }))
    const { id } = await reader.until(({ method }) => method === 'notifications/message')
    await reader.rest()
    await endpoint.settled()
    expect((await lifetimes())['1']).toBeLessThanOrEqual(60_000)
    const again = await send(endpoint, undefined, { method: 'GET', headers: { ...headers, 'last-event-id': id ?? '' } })
    expect((await new EventReader(again).rest()).at(-1)).toMatchObject({ id: 1, result: {} })
  })

  test('lives for five minutes where its client had gone before', async () => {
    const endpoint = start()
    const headers = await open(endpoint)
    const reader = new EventReader(await send(endpoint, toolCall(1, 'ask'), { headers }))
    const { message } = await reader.until(({ method }) => method === 'elicitation/create')
    reader.drop()
    await eventually(async () => (endpoint.stats().connections === 0 ? true : undefined))
    await send(endpoint, { jsonrpc: '2.0', id: message?.id, result: { action: 'decline' } }, { headers })
    await endpoint.settled()
    expect((await lifetimes())['1']).toBeGreaterThan(240_000)
  })

  test('lives for a minute in a batch too, whose event ids name only the streams that go on', async () => {
    const endpoint = start()
    const init = { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 't', version: '1' } }
    const opened = await send(endpoint, request(0, 'initialize', init))
    const headers = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
    const batch = [toolCall(1, 'say', { times: 1, bytes: 10 }), toolCall(2, 'wait')]
    const reader = new EventReader(await send(endpoint, batch, { headers }))
    await reader.until(({ id }) => id === 1)
    await eventually(async () => (endpoint.stats().connections === 1 ? true : undefined))
    for (const done of waiting.splice(0)) done()
    await reader.rest()
    await endpoint.settled()
    expect((await lifetimes())['1']).toBeLessThanOrEqual(60_000)
  })
})

describe('the store in memory', () => {
  async function storm(store: Store): Promise<Endpoint> {
    const endpoint = start({ store })
    const sessions: Record<string, string>[] = []
    for (let i = 0; i < 60; i++) {
      const response = await send(endpoint, INITIALIZE)
      if (response.status !== 200) break
      const headers = { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
      sessions.push(headers)
      const call = toolCall(i, 'say', { times: 20, bytes: 50 * KIB })
      expect((await messagesOf(await send(endpoint, call, { headers }))).at(-1)).toMatchObject({ id: i, result: {} })
    }
    // Ten times as much as it may keep was sent, or no session was opened any more.
    expect(sessions.length).toBeLessThan(60)
    const [headers = {}] = sessions
    expect((await send(endpoint, toolCall('short', 'quick'), { headers })).status).toBe(200)
    const json = await send(endpoint, toolCall('long', 'say', { times: 20, bytes: 50 * KIB }), { headers })
    expect(json.headers.get('content-type')).toBe('application/json')
    await json.text()
    await expectRefusal(await send(endpoint, INITIALIZE), 503, 'nearly full')
    for (const one of sessions) {
      expect((await send(endpoint, undefined, { method: 'DELETE', headers: one })).status).toBe(204)
    }
    await open(endpoint)
    return endpoint
  }

  test('counts what it keeps, and refuses what adds to it', async () => {
    await storm(memoryStore({ maxBytes: 6 * MIB }))
  })

  test('keeps no long request', async () => {
    const endpoint = start({ store: memoryStore({ maxBytes: 16 * MIB }) })
    const headers = await open(endpoint)
    const calls = Array.from({ length: 15 }, (_, i) =>
      send(endpoint, toolCall(i, 'wait', { padding: 'x'.repeat(3 * MIB) }), { headers }),
    )
    await eventually(async () => (endpoint.stats().calls === 15 ? true : undefined))
    await open(endpoint)
    for (const done of waiting.splice(0)) done()
    expect((await Promise.all(calls)).every(({ status }) => status === 200)).toBe(true)
  })
})

// The front ends of Google Cloud and CDNs have public addresses.
test.each(['10.0.0.1', '35.191.0.1'])(
  'a proxy at %s that is not trusted is reported once, with the cure',
  async (proxy) => {
    const reported: string[] = []
    const endpoint = start({ store: memoryStore(), onError: (error) => reported.push(String(error)) })
    await send(endpoint, request(1, 'ping'), { from: '10.0.0.1' })
    await send(endpoint, request(1, 'ping'), { from: '203.0.113.1' })
    expect(reported).toEqual([])
    for (let i = 0; i < 3; i++) {
      await send(endpoint, request(1, 'ping'), { from: proxy, headers: { 'x-forwarded-for': '198.51.100.1' } })
    }
    expect(reported).toHaveLength(1)
    expect(reported[0]).toContain('TRUSTED_PROXIES')
    const trusting: string[] = []
    const trusted = start({
      store: memoryStore(),
      http: { proxies: 1 },
      onError: (error) => trusting.push(String(error)),
    })
    await send(trusted, request(1, 'ping'), { from: '10.0.0.1', headers: { 'x-forwarded-for': '10.0.0.2' } })
    expect(trusting).toEqual([])
  },
)
