/** The memory of an instance: what clients make it hold has a bound in bytes, for all and for each, and is given back. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { serve } from '@hono/node-server'
import { afterEach, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { body, headers as headersOf, META, type StatelessRequest } from '../stateless/requests.ts'
import { eventually } from '../support/eventually.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage, request, toolCall } from '../support/raw.ts'

const KIB = 1024
const MIB = 1024 * KIB
const LOGS = { [META.logLevel]: 'debug' }
const ANY = { type: 'object' } as const
let endpoint: Endpoint
let http: Server | undefined
const sockets: Socket[] = []
const waiting: (() => void)[] = []

function build(): McpServer {
  const server = new McpServer({ name: 'budgets', version: '1' })
  server.registerTool('quick', {}, () => ({ content: [{ type: 'text', text: 'quick' }] }))
  server.registerTool('wait', { inputSchema: ANY }, async (_args, ctx) => {
    await new Promise<void>((resolve, reject) => {
      waiting.push(resolve)
      ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))
    })
    return { content: [{ type: 'text', text: 'waited' }] }
  })
  server.registerTool('say', { inputSchema: ANY }, async (args, ctx) => {
    const { times, bytes } = args as { times: number; bytes: number }
    for (let i = 0; i < times; i++) await ctx.log('info', 'x'.repeat(bytes))
    return { content: [{ type: 'text', text: 'said' }] }
  })
  server.registerTool('large', {}, () => ({ content: [{ type: 'text', text: 'x'.repeat(4 * MIB) }] }))
  server.registerTool('fail', { inputSchema: ANY }, async () => {
    throw new Error('as asked')
  })
  server.registerResource('note', 'note://1', {}, () => ({ contents: [] }))
  return server
}

function start(options: EndpointOptions = {}): void {
  endpoint = createEndpoint(build(), { store: memoryStore(), onError: () => {}, ...options })
}

async function listen(options: EndpointOptions = {}): Promise<number> {
  start(options)
  const server = await new Promise<Server>((resolve) => {
    const made = serve({ fetch: endpoint.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(made)) as Server
  })
  http = server
  return (server.address() as { port: number }).port
}

afterEach(async () => {
  for (const done of waiting.splice(0)) done()
  for (const socket of sockets.splice(0)) socket.destroy()
  await endpoint.close()
  http?.closeAllConnections()
  http?.close()
  http = undefined
})

interface Init {
  headers?: Record<string, string>
  from?: string
  signal?: AbortSignal
  method?: string
}

async function send(message: object | undefined, { headers = {}, from, signal, method = 'POST' }: Init = {}) {
  const text = message === undefined ? null : JSON.stringify(message)
  const length = text === null ? {} : { 'content-length': String(Buffer.byteLength(text)) }
  const accept = method === 'GET' ? 'text/event-stream' : ACCEPT_BOTH
  const all = { accept, 'content-type': 'application/json', ...length, ...headers }
  const made = new Request('http://localhost/mcp', { method, body: text, headers: all, signal: signal ?? null })
  return endpoint.fetch(made, { incoming: { socket: { remoteAddress: from } } })
}

const tool = (name: string, args: object = {}) => ({ method: 'tools/call', params: { name, arguments: args } })

function stateless(made: StatelessRequest, init: Init = {}): Promise<Response> {
  return send(body(made), { ...init, headers: headersOf(made) })
}

async function open(from?: string): Promise<Record<string, string>> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const response = await send(request(0, 'initialize', params), from === undefined ? {} : { from })
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
}

async function expectRefusal(response: Response): Promise<void> {
  expect(response.status).toBe(503)
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await response.json()).toMatchObject({
    error: { code: -32000, message: expect.stringContaining('http.maxMemory') },
  })
}

async function atRest(): Promise<void> {
  await eventually(async () => {
    const { requests, output } = endpoint.held()
    return requests + output === 0 ? true : undefined
  })
}

const padding = (bytes: number) => ({ padding: 'x'.repeat(bytes) })

describe('bodies', () => {
  test('that never end are held up to the bound, while short requests are served', async () => {
    const port = await listen({ http: { maxMemory: 8 * MIB } })
    const statuses: number[] = []
    const half = `POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: ${ACCEPT_BOTH}\r\ncontent-length: 1048576\r\n\r\n`
    for (let i = 0; i < 40; i++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.on('data', (chunk) => statuses.push(Number(/^HTTP\/1\.1 (\d+)/.exec(chunk.toString())?.[1])))
      sockets.push(socket)
      socket.write(half)
      socket.write(Buffer.alloc(MIB - 10, 'x'))
    }
    await eventually(async () => (statuses.length >= 30 ? true : undefined))
    expect(new Set(statuses)).toEqual(new Set([503]))
    expect(endpoint.held().requests).toBeGreaterThan(2 * MIB)
    expect(endpoint.held().requests).toBeLessThanOrEqual(4 * MIB)
    const served = await fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'POST',
      headers: { accept: ACCEPT_BOTH, 'content-type': 'application/json' },
      body: JSON.stringify(request(1, 'ping')),
    })
    expect(served.status).toBe(200)
    await served.text()
    for (const socket of sockets) socket.destroy()
    await atRest()
  })

  test('that are announced and not sent are not held against others', async () => {
    const port = await listen({ http: { maxMemory: 8 * MIB } })
    for (let i = 0; i < 100; i++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      sockets.push(socket)
      socket.write(
        'POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: */*\r\ncontent-length: 4000000\r\n\r\n{',
      )
      await once(socket, 'connect')
    }
    const served = await fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'POST',
      headers: { accept: ACCEPT_BOTH, 'content-type': 'application/json' },
      body: JSON.stringify(request(1, 'ping', padding(MIB))),
    })
    expect(served.status).toBe(200)
    await served.text()
  })

  test('that become much larger when they are parsed are counted so', async () => {
    start({ http: { maxMemory: 16 * MIB } })
    const hold = send(toolCall(1, 'wait', padding(100 * KIB)), { headers: await open() })
    await eventually(async () => (waiting.length === 1 ? true : undefined))
    const items = Array.from({ length: 300_000 }, () => [])
    await expectRefusal(await send(request(1, 'ping', { items })))
    expect((await send(request(1, 'ping', padding(900 * KIB)))).status).toBe(200)
    for (const done of waiting.splice(0)) done()
    await hold
    await atRest()
  })

  test('count with what their JSON has outside strings: texts may have commas, brackets and quotes', async () => {
    start({ http: { maxMemory: 32 * MIB } })
    const headers = await open()
    for (const text of ['1,2.5,30,4,', '[{"a":1},', '\\"[', '\\\\[\\', 'é,']) {
      const csv = text.repeat(Math.ceil((900 * KIB) / text.length))
      const calls = [1, 2, 3].map((id) => send(toolCall(id, 'wait', { csv }), { headers }))
      await eventually(async () => (waiting.length === 3 ? true : undefined))
      // Beside its text a body has a few members.
      const bytes = 3 * Buffer.byteLength(JSON.stringify(toolCall(1, 'wait', { csv })))
      expect(endpoint.held().requests).toBeGreaterThanOrEqual(bytes)
      expect(endpoint.held().requests).toBeLessThan(bytes + 3_000)
      for (const done of waiting.splice(0)) done()
      for (const call of calls) expect((await call).status).toBe(200)
      await atRest()
    }
  })

  test('of one client take at most its share, and those of other clients are served', async () => {
    start({ http: { maxMemory: 16 * MIB } })
    const [one, two] = ['203.0.113.1', '203.0.113.2']
    const headers = await open(one)
    const calls = [1, 2, 3].map((id) => send(toolCall(id, 'wait', padding(600 * KIB)), { headers, from: one }))
    await eventually(async () => (waiting.length === 3 ? true : undefined))
    await expectRefusal(await send(toolCall(4, 'quick', padding(600 * KIB)), { headers, from: one }))
    expect((await send(toolCall(5, 'quick'), { headers, from: one })).status).toBe(200)
    expect((await send(request(1, 'ping', padding(600 * KIB)), { from: two })).status).toBe(200)
    for (const done of waiting.splice(0)) done()
    await Promise.all(calls.map(async (call) => (await call).text()))
    await atRest()
  })
})

describe('requests of running calls', () => {
  test.each(['sessions', 'the stateless revision'])(
    'of %s are held up to the bound, until the calls end',
    async (kind) => {
      start({ http: { maxMemory: 8 * MIB } })
      const session = await open()
      const call = (id: number, bytes: number) =>
        kind === 'sessions'
          ? send(toolCall(id, 'wait', padding(bytes)), { headers: session })
          : stateless({ id, ...tool('wait', padding(bytes)) })
      const running = Array.from({ length: 40 }, (_, id) => call(id, MIB))
      const first = await Promise.race(running)
      await expectRefusal(first)
      // What a first call needs is loaded meanwhile.
      await eventually(async () => (waiting.length === 3 ? true : undefined))
      expect(endpoint.held().requests).toBeLessThanOrEqual(4 * MIB)
      for (const done of waiting.splice(0)) done()
      const statuses = (await Promise.all(running)).map(({ status }) => status)
      expect(statuses.filter((status) => status === 200)).toHaveLength(3)
      expect(statuses.filter((status) => status === 503)).toHaveLength(37)
      await atRest()
    },
  )
})

describe('subscriptions/listen', () => {
  const listenFor = (uris: string[], more: object = {}) =>
    stateless({ method: 'subscriptions/listen', params: { notifications: { resourceSubscriptions: uris }, ...more } })

  test('keeps nothing of its request but the filter', async () => {
    start({ http: { maxMemory: 16 * MIB } })
    const readers: EventReader[] = []
    for (let i = 0; i < 70; i++) {
      const response = await listenFor(['note://1'], padding(3 * MIB))
      expect(response.status).toBe(200)
      readers.push(new EventReader(response))
    }
    expect(endpoint.held().requests).toBe(70 * 'note://1'.length)
    for (const reader of readers) reader.drop()
    await atRest()
  })

  test('bounds the bytes of the URIs, of one filter and of all', async () => {
    start({ http: { maxMemory: 2 * MIB } })
    const uris = (bytes: number) => Array.from({ length: bytes / 2_000 }, (_, i) => `note://${i}/`.padEnd(2_000, 'x'))
    // Ten times as much has more URIs than a filter may have.
    const long = (await (await listenFor(uris(1_900 * KIB))).json()) as RpcMessage
    expect(long.error).toMatchObject({ code: -32602, message: expect.stringContaining('262144') })
    const readers: EventReader[] = []
    for (let i = 0; i < 4; i++) readers.push(new EventReader(await listenFor(uris(240 * KIB))))
    await expectRefusal(await listenFor(uris(240 * KIB)))
    for (const reader of readers) reader.drop()
    await atRest()
  })
})

test('the URIs that a GET stream keeps are counted while it is open', async () => {
  start({ http: { maxMemory: MIB } })
  const uri = (i: number) => `note://${i}/${'x'.repeat(1_000)}`
  const sessions = await Promise.all([open(), open(), open()])
  for (const headers of sessions) {
    for (let i = 0; i < 200; i++) await send(request(i, 'resources/subscribe', { uri: uri(i) }), { headers })
  }
  const readers: EventReader[] = []
  for (const headers of sessions.slice(0, 2)) {
    readers.push(new EventReader(await send(undefined, { method: 'GET', headers })))
  }
  expect(endpoint.held().requests).toBeGreaterThan(400_000)
  await expectRefusal(await send(undefined, { method: 'GET', headers: sessions[2] ?? {} }))
  // A subscription that comes and one that goes are counted too.
  const [headers = {}] = sessions
  const before = endpoint.held().requests
  await send(request(1, 'resources/subscribe', { uri: 'note://new' }), { headers })
  expect(endpoint.held().requests).toBe(before + 'note://new'.length)
  await send(request(2, 'resources/unsubscribe', { uri: 'note://new' }), { headers })
  expect(endpoint.held().requests).toBe(before)
  for (const reader of readers) reader.drop()
  await atRest()
})

describe('output that waits', () => {
  test('for many slow readers is bounded in the sum, and the largest lose their connections', async () => {
    start({ http: { maxMemory: 8 * MIB } })
    const responses: Response[] = []
    for (let i = 0; i < 40; i++) {
      const response = await stateless({ ...tool('say', { times: 12, bytes: 50_000 }), meta: LOGS })
      expect(response.status).toBe(200)
      responses.push(response)
      expect(endpoint.held().output).toBeLessThanOrEqual(4 * MIB)
    }
    const outcomes = await Promise.allSettled(responses.map((response) => response.text()))
    const whole = outcomes.filter(({ status }) => status === 'fulfilled')
    expect(whole.length).toBeGreaterThan(3)
    expect(whole.length).toBeLessThan(9)
    // A response that lost its connection does not look complete.
    for (const outcome of whole) expect(outcome.status === 'fulfilled' && outcome.value).toContain('"said"')
    await atRest()
  })

  test('is taken from the client that lets most wait', async () => {
    start({ http: { maxMemory: 8 * MIB } })
    const say = (from: string, bytes: number) =>
      stateless({ ...tool('say', { times: 10, bytes }), meta: LOGS }, { from })
    const modest = await say('203.0.113.1', 80_000)
    const greedy = await Promise.all(Array.from({ length: 20 }, () => say('203.0.113.2', 30_000)))
    expect(await modest.text()).toContain('"said"')
    const outcomes = await Promise.allSettled(greedy.map((response) => response.text()))
    expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true)
    await atRest()
  })

  test('of large JSON responses in sockets is bounded too', async () => {
    const port = await listen({ http: { maxMemory: 32 * MIB } })
    const text = JSON.stringify(body(tool('large')))
    const all = Object.entries({
      host: 'localhost',
      'content-type': 'application/json',
      accept: ACCEPT_BOTH,
      'content-length': String(text.length),
      ...headersOf(tool('large')),
    })
    const head = all.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    let closed = 0
    http?.on('connection', (socket: Socket) => socket.once('close', () => closed++))
    for (let i = 0; i < 40; i++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.pause()
      sockets.push(socket)
      socket.write(`POST /mcp HTTP/1.1\r\n${head}\r\n${text}`)
    }
    // The system takes some of the bytes of each: at least 3 MiB of 4 wait in this process.
    await eventually(async () => (closed >= 20 ? true : undefined))
    expect(endpoint.held().output).toBeLessThanOrEqual(16 * MIB)
    for (const socket of sockets) socket.destroy()
    await atRest()
  })
})

test('after storms of all kinds nothing is counted any more', async () => {
  start({ http: { maxMemory: 8 * MIB }, session: { registerAfter: 1, streamAfter: 5 } })
  const headers = await open()
  const legacy = await send(
    request(0, 'initialize', {
      protocolVersion: '2025-03-26',
      capabilities: {},
      clientInfo: { name: 't', version: '1' },
    }),
  )
  const batches = { 'mcp-session-id': legacy.headers.get('mcp-session-id') ?? '' }
  const settle = async (response: Promise<Response>, read: boolean) => {
    const made = await response.catch(() => undefined)
    if (read) await made?.text().catch(() => {})
    else await made?.body?.cancel().catch(() => {})
  }
  const wave = async (round: number) => {
    const pad = padding(20 * KIB + round * 1_000)
    const aborted = new AbortController()
    const open = [
      settle(send(toolCall(`w${round}`, 'wait', pad), { headers }), true),
      settle(send(toolCall(`c${round}`, 'wait', pad), { headers }), true),
      settle(send(toolCall(`d${round}`, 'wait', pad), { headers }), false),
      settle(send(toolCall(`f${round}`, 'fail', pad), { headers }), true),
      settle(send(toolCall(`s${round}`, 'say', { times: 20, bytes: 20_000, ...pad }), { headers }), round % 2 === 0),
      settle(
        send([toolCall(`b${round}`, 'quick', pad), toolCall(`e${round}`, 'fail', pad)], { headers: batches }),
        true,
      ),
      settle(
        send([toolCall(`g${round}`, 'wait', pad), toolCall(`h${round}`, 'say', { times: 2, bytes: 9 })], {
          headers: batches,
        }),
        true,
      ),
      settle(stateless(tool('wait', pad), { signal: aborted.signal }), true),
      settle(stateless(tool('none', pad)), true),
      settle(send(request(1, 'ping', { items: Array.from({ length: 200_000 }, () => []) })), true),
      settle(send({ jsonrpc: '3', ...pad }), true),
      settle(send(toolCall(1, 'quick', pad), { headers: { 'mcp-session-id': 'none' } }), true),
    ]
    await eventually(async () => (waiting.length > 0 ? true : undefined))
    aborted.abort()
    await send(
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: `c${round}`, ...pad } },
      { headers },
    )
    await new Promise((resolve) => setImmediate(resolve))
    for (const done of waiting.splice(0)) done()
    const release = setInterval(() => {
      for (const done of waiting.splice(0)) done()
    }, 5)
    await Promise.all(open)
    clearInterval(release)
  }
  for (let round = 0; round < 10; round++) await wave(round)
  for (const done of waiting.splice(0)) done()
  await endpoint.settled()
  await atRest()
  expect(endpoint.held()).toEqual({ requests: 0, output: 0 })
})
