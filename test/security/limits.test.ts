/** Every limit: a request beyond it is refused with its HTTP status and a JSON-RPC error, on any instance. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { AuthOptions } from '../../lib/auth/options.ts'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { StoreUnavailable } from '../../lib/store/store.ts'
import { Signer } from '../support/authorization.ts'
import { eventually } from '../support/eventually.ts'
import { interceptedStore, type Step } from '../support/intercepted-store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage, request, toolCall } from '../support/raw.ts'

const RESOURCE = 'https://mcp.example/mcp'
let signer: Signer
let endpoints: Endpoint[] = []
const finish: (() => void)[] = []

beforeAll(async () => {
  signer = await Signer.create('https://as.example', RESOURCE)
})
afterEach(async () => {
  for (const done of finish.splice(0)) done()
  await Promise.all(endpoints.map((endpoint) => endpoint.settled()))
  await Promise.all(endpoints.map((endpoint) => endpoint.close()))
  endpoints = []
})

function build(): McpServer {
  const server = new McpServer({ name: 'limits', version: '1' })
  server.registerTool('quick', {}, () => ({ content: [{ type: 'text', text: 'quick' }] }))
  server.registerTool('wait', {}, async () => {
    await new Promise<void>((resolve) => finish.push(resolve))
    return { content: [{ type: 'text', text: 'waited' }] }
  })
  server.registerTool('curious', {}, async (ctx) => {
    const asks = Array.from({ length: 5 }, (_, i) =>
      ctx.elicit(`${i}?`, { type: 'object', properties: {} }, { key: `k${i}` }),
    )
    const outcomes = await Promise.allSettled(asks)
    const failed = outcomes.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined
    if (failed) throw failed.reason
    return { content: [{ type: 'text', text: 'asked' }] }
  })
  return server
}

/** Instances of one endpoint on one store. */
function start(options: EndpointOptions = {}, size = 1): void {
  const store = options.store ?? memoryStore(options.clock ? { clock: options.clock } : {})
  endpoints = Array.from({ length: size }, () => createEndpoint(build(), { ...options, store }))
}

const withAuth = (): { auth: AuthOptions } => ({
  auth: { issuer: 'https://as.example', resource: RESOURCE, jwks: signer.keys },
})

interface Init {
  at?: number
  method?: string
  body?: unknown
  token?: string
  headers?: Record<string, string>
  from?: string
}

async function send({ at = 0, method = 'POST', body, token, headers = {}, from }: Init): Promise<Response> {
  const text = body === undefined || typeof body === 'string' ? (body ?? null) : JSON.stringify(body)
  const made = new Request(RESOURCE, {
    method,
    body: text as string | null,
    headers: {
      accept: method === 'GET' ? 'text/event-stream' : ACCEPT_BOTH,
      'content-type': 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
      ...headers,
    },
  })
  const incoming = from === undefined ? undefined : { socket: { remoteAddress: from } }
  const endpoint = endpoints[at] as Endpoint
  return endpoint.fetch(made, incoming && { incoming })
}

const INITIALIZE = request(0, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: { elicitation: {} },
  clientInfo: { name: 't', version: '1' },
})

async function open(token?: string, version = '2025-11-25'): Promise<Record<string, string>> {
  const params = {
    protocolVersion: version,
    capabilities: { elicitation: {} },
    clientInfo: { name: 't', version: '1' },
  }
  const response = await send({ body: request(0, 'initialize', params), ...(token && { token }) })
  expect(response.status).toBe(200)
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
}

async function expectRefusal(response: Response, status: number): Promise<RpcMessage> {
  expect(response.status).toBe(status)
  expect(response.headers.get('content-type')).toBe('application/json')
  if (status === 429 || status === 503) expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
  const message = (await response.json()) as RpcMessage
  expect(message).toMatchObject({ jsonrpc: '2.0', error: { code: expect.any(Number), message: expect.any(String) } })
  return message
}

describe('a body', () => {
  const large = (bytes: number) => JSON.stringify(request(1, 'ping', { x: 'x'.repeat(bytes) }))

  test('over the limit is 413, with or without Content-Length', async () => {
    start({ http: { maxBytes: 1_000 } })
    expect((await send({ body: large(800) })).status).toBe(200)
    await expectRefusal(await send({ body: large(1_000), headers: { 'content-length': '1100' } }), 413)
    await expectRefusal(await send({ body: large(1_000) }), 413)
  })

  test('that does not end is not read to its end', async () => {
    start({ http: { maxBytes: 10_000 } })
    let pulled = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(1_000).fill(32))
      },
    })
    const init = { method: 'POST', body: endless, duplex: 'half', headers: { 'content-type': 'application/json' } }
    await expectRefusal(await (endpoints[0] as Endpoint).fetch(new Request(RESOURCE, init as RequestInit)), 413)
    expect(pulled).toBeLessThan(20)
  })

  test('nested too deeply is 400, before it is parsed', async () => {
    start({ http: { maxDepth: 10 } })
    const nested = (levels: number) => request(1, 'ping', { x: JSON.parse('['.repeat(levels) + ']'.repeat(levels)) })
    expect((await send({ body: nested(8) })).status).toBe(200)
    await expectRefusal(await send({ body: nested(9) }), 400)
    await expectRefusal(await send({ body: '['.repeat(4_000_000) }), 400)
  })

  test('with too many messages is 400', async () => {
    start({ http: { maxBatch: 3 } })
    const headers = await open(undefined, '2025-03-26')
    const batch = (size: number) => Array.from({ length: size }, (_, id) => request(id, 'ping'))
    expect((await send({ body: batch(3), headers })).status).toBe(200)
    await expectRefusal(await send({ body: batch(4), headers }), 400)
  })
})

describe('calls at once', () => {
  const limit = { session: { maxCalls: 2, registerAfter: 1, streamAfter: 60_000 } }

  test('of a session are refused with 429 on any instance, until one has ended', async () => {
    start(limit, 3)
    const headers = await open()
    const running = [0, 1].map((at) => send({ at, body: toolCall(at, 'wait'), headers }))
    await eventually(async () =>
      endpoints.every((endpoint, at) => at === 2 || endpoint.stats().calls === 1) ? true : undefined,
    )
    const refused = await expectRefusal(await send({ at: 2, body: toolCall(9, 'wait'), headers }), 429)
    expect(refused.id).toBe(9)
    // Nobody knows beforehand that this one would be quick. A ping calls no handler.
    await expectRefusal(await send({ at: 2, body: toolCall(10, 'quick'), headers }), 429)
    expect((await send({ at: 2, body: request(12, 'ping'), headers })).status).toBe(200)
    expect(finish).toHaveLength(2)
    for (const done of finish.splice(0)) done()
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200])
    const again = send({ at: 2, body: toolCall(11, 'wait'), headers })
    await eventually(async () => (finish.length > 0 ? true : undefined))
    for (const done of finish.splice(0)) done()
    expect((await again).status).toBe(200)
  })

  test('of one session are not counted for another', async () => {
    start(limit)
    const [one, two] = [await open(), await open()]
    const running = [1, 2].map((id) => send({ body: toolCall(id, 'wait'), headers: one }))
    await eventually(async () => (endpoints[0]?.stats().calls === 2 ? true : undefined))
    const other = send({ body: toolCall(1, 'wait'), headers: two })
    await eventually(async () => (finish.length === 3 ? true : undefined))
    for (const done of finish.splice(0)) done()
    expect((await Promise.all([...running, other])).map(({ status }) => status)).toEqual([200, 200, 200])
  })

  test('of a principal are refused with 429 in all its sessions and without one, on every instance', async () => {
    start({ ...withAuth(), session: { maxCallsPerPrincipal: 4, registerAfter: 1, streamAfter: 60_000 } }, 2)
    const [token, other] = [await signer.token(), await signer.token({ sub: 'bob' })]
    const [first, second] = [await open(token), await open(token)]
    const running = [
      send({ at: 0, body: toolCall(1, 'wait'), headers: first, token }),
      send({ at: 0, body: toolCall(2, 'wait'), headers: second, token }),
      send({ at: 1, body: toolCall(3, 'wait'), headers: first, token }),
      send({ at: 1, body: toolCall(4, 'wait'), headers: second, token }),
    ]
    await eventually(async () => (finish.length === 4 ? true : undefined))
    // The instances exchange their counts in the background.
    for (const at of [0, 1]) {
      const refused = await eventually(async () => {
        const response = await send({ at, body: toolCall(9, 'quick'), headers: first, token })
        return response.status === 429 ? response : undefined
      })
      await expectRefusal(refused, 429)
    }
    const stateless = await send({
      token,
      body: request(1, 'tools/call', {
        name: 'quick',
        arguments: {},
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      }),
      headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'quick' },
    })
    await expectRefusal(stateless, 429)
    // Another principal is served, and so is a cancel of this principal.
    const bob = await open(other)
    expect((await send({ body: toolCall(1, 'quick'), headers: bob, token: other })).status).toBe(200)
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 99 } }
    expect((await send({ body: cancel, headers: first, token })).status).toBe(202)
    for (const done of finish.splice(0)) done()
    await Promise.all(running)
    await eventually(async () => {
      const response = await send({ body: toolCall(10, 'quick'), headers: first, token })
      return response.status === 200 ? true : undefined
    })
  })
})

describe('sessions of a principal', () => {
  test('are refused with 429 beyond the limit, on any instance, and a DELETE makes room', async () => {
    start({ ...withAuth(), session: { maxSessions: 3 } }, 2)
    const token = await signer.token()
    const opened: string[] = []
    for (let i = 0; i < 3; i++) {
      const response = await send({ at: i % 2, body: INITIALIZE, token })
      opened.push(response.headers.get('mcp-session-id') ?? '')
    }
    await expectRefusal(await send({ at: 1, body: INITIALIZE, token }), 429)
    expect((await send({ body: INITIALIZE, token: await signer.token({ sub: 'bob' }) })).status).toBe(200)
    await send({ method: 'DELETE', token, headers: { 'mcp-session-id': opened[0] ?? '' } })
    expect((await send({ at: 1, body: INITIALIZE, token })).status).toBe(200)
  })

  test('do not count where the store failed to open them', async () => {
    let lost = true
    const base = memoryStore()
    const createSession: Step = async (proceed) => {
      const reply = await proceed()
      if (lost) throw new StoreUnavailable('the reply was lost')
      return reply
    }
    start({ ...withAuth(), store: interceptedStore({ createSession }, base), session: { maxSessions: 2 } })
    const token = await signer.token()
    for (let i = 0; i < 5; i++) expect((await send({ body: INITIALIZE, token })).status).toBe(503)
    lost = false
    await eventually(async () => ((await send({ body: INITIALIZE, token })).status === 200 ? true : undefined))
    expect((await send({ body: INITIALIZE, token })).status).toBe(200)
    expect((await send({ body: INITIALIZE, token })).status).toBe(429)
  })

  test('have no limit where there is no authorization', async () => {
    start({ session: { maxSessions: 3 } })
    for (let i = 0; i < 10; i++) expect((await send({ body: INITIALIZE })).status).toBe(200)
  })
})

describe('streams of an instance', () => {
  test('are refused with 503 beyond the limit, while calls and other instances work', async () => {
    start({ session: { maxStreams: 2 } }, 2)
    const sessions = [await open(), await open(), await open()]
    const readers: EventReader[] = []
    for (const headers of sessions.slice(0, 2)) readers.push(new EventReader(await send({ method: 'GET', headers })))
    const [, , third = {}] = sessions
    await expectRefusal(await send({ method: 'GET', headers: third }), 503)
    expect((await send({ body: toolCall(1, 'quick'), headers: third })).status).toBe(200)
    readers.push(new EventReader(await send({ at: 1, method: 'GET', headers: third })))
    for (const reader of readers) reader.drop()
    await eventually(async () => (endpoints[0]?.stats().connections === 0 ? true : undefined))
    const again = await send({ method: 'GET', headers: third })
    expect(again.status).toBe(200)
    await again.body?.cancel()
  })
})

describe('subscriptions of a session', () => {
  test('beyond the limit are refused, and an unsubscribe makes room', async () => {
    start({ session: { maxSubscriptions: 1 } })
    const headers = await open()
    const change = async (method: string, uri: string) => {
      const response = await send({ body: request(1, `resources/${method}`, { uri }), headers })
      return (await response.json()) as RpcMessage
    }
    expect(await change('subscribe', 'file:///a')).toHaveProperty('result')
    expect((await change('subscribe', 'file:///b')).error?.message).toContain('1 resources. Unsubscribe')
    await change('unsubscribe', 'file:///a')
    expect(await change('subscribe', 'file:///b')).toHaveProperty('result')
  })
})

describe('asks of a call', () => {
  test('beyond the limit fail in the handler', async () => {
    start({ session: { maxAsks: 3 } })
    const headers = await open()
    const reader = new EventReader(await send({ body: toolCall(1, 'curious'), headers }))
    for (let i = 0; i < 3; i++) {
      const { message } = await reader.until(({ method }) => method === 'elicitation/create')
      await send({ body: { jsonrpc: '2.0', id: message?.id, result: { action: 'decline' } }, headers })
    }
    const { message } = await reader.until(({ id }) => id === 1)
    expect(message?.result).toMatchObject({ isError: true, content: [{ text: 'A call may ask the client 3 times.' }] })
  })
})

describe('the rate of requests', () => {
  const rate = { perSecond: 1, burst: 50 }
  const PING = request(1, 'ping')

  test('of a principal is 429 with Retry-After beyond its burst', async () => {
    const clock = new ManualClock(Date.now())
    start({ ...withAuth(), clock, http: { principalRate: rate } })
    const [token, refreshed] = [await signer.token(), await signer.token()]
    for (let i = 0; i < 50; i++) {
      expect((await send({ body: PING, token: i % 2 === 0 ? token : refreshed })).status).toBe(200)
    }
    const refused = await send({ body: PING, token })
    expect(refused.headers.get('retry-after')).toBe('1')
    await expectRefusal(refused, 429)
    await expectRefusal(await send({ method: 'GET', token }), 429)
    await expectRefusal(await send({ method: 'DELETE', token }), 429)
    expect((await send({ body: PING, token: await signer.token({ sub: 'bob' }) })).status).toBe(200)
    await clock.advance(1_001)
    expect((await send({ body: PING, token })).status).toBe(200)
    await expectRefusal(await send({ body: PING, token }), 429)
  })

  test('holds approximately for all instances together, and no request waits for the store', async () => {
    const clock = new ManualClock(Date.now())
    start({ ...withAuth(), clock, http: { principalRate: { perSecond: 1, burst: 100 } } }, 4)
    const token = await signer.token()
    let served = 0
    for (let i = 0; i < 400; i++) {
      if ((await send({ at: i % 4, body: PING, token })).status === 200) served++
    }
    // Each instance may lack the last report of the others.
    expect(served).toBeGreaterThanOrEqual(100)
    expect(served).toBeLessThanOrEqual(130)
  })

  test('is counted in this instance while the store does not answer', async () => {
    const clock = new ManualClock(Date.now())
    const broken = memoryStore({ clock })
    const store = { ...broken, count: () => Promise.reject(new Error('away')) }
    start({ ...withAuth(), store, clock, onError: () => {}, http: { principalRate: rate } })
    const token = await signer.token()
    for (let i = 0; i < 50; i++) expect((await send({ body: PING, token })).status).toBe(200)
    await expectRefusal(await send({ body: PING, token }), 429)
  })

  test('of an address is limited where there is no authorization', async () => {
    const clock = new ManualClock(Date.now())
    start({ clock, http: { addressRate: rate } })
    for (let i = 0; i < 50; i++) expect((await send({ body: PING, from: '203.0.113.7' })).status).toBe(200)
    await expectRefusal(await send({ body: PING, from: '203.0.113.7' }), 429)
    expect((await send({ body: PING, from: '203.0.113.8' })).status).toBe(200)
    // A private address is a proxy and not a client.
    for (const from of ['127.0.0.1', '10.1.2.3', '::1', '::ffff:192.168.1.1', 'fd00::1', '169.254.1.1']) {
      for (let i = 0; i < 60; i++) expect((await send({ body: PING, from })).status).toBe(200)
    }
  })

  test('of an IPv6 client is counted for its network of 64 bits', async () => {
    start({ clock: new ManualClock(Date.now()), http: { addressRate: rate } })
    for (let i = 0; i < 50; i++) {
      expect((await send({ body: PING, from: `2001:db8:1:2::${i.toString(16)}` })).status).toBe(200)
    }
    await expectRefusal(await send({ body: PING, from: '2001:0db8:0001:0002:aaaa:bbbb:cccc:dddd' }), 429)
    expect((await send({ body: PING, from: '2001:db8:1:3::1' })).status).toBe(200)
  })

  test('behind proxies is counted for the address that the last trusted proxy saw, not for one that a client sends', async () => {
    start({ clock: new ManualClock(Date.now()), http: { addressRate: rate, proxies: 1 } })
    const via = (forwarded: string) => send({ body: PING, from: '10.0.0.1', headers: { 'x-forwarded-for': forwarded } })
    for (let i = 0; i < 50; i++) expect((await via(`198.51.100.${i}, 203.0.113.7`)).status).toBe(200)
    await expectRefusal(await via('198.51.100.99, 203.0.113.7'), 429)
    expect((await via('203.0.113.7, 203.0.113.9')).status).toBe(200)
  })

  test('of wrong tokens is limited by address, and a caller with a valid token is served', async () => {
    start({ ...withAuth(), clock: new ManualClock(Date.now()), http: { addressRate: rate } })
    const [good, from] = [await signer.token(), '203.0.113.7']
    expect((await send({ body: PING, token: good, from })).status).toBe(200)
    for (let i = 0; i < 50; i++) expect((await send({ body: PING, token: `wrong-${i}`, from })).status).toBe(401)
    await expectRefusal(await send({ body: PING, token: 'wrong', from }), 429)
    expect((await send({ body: PING, token: good, from })).status).toBe(200)
  })

  test.each([
    ['when its verification is no longer kept', {}],
    [
      'where `verify` is asked each time',
      { issuer: [], verify: (token: string) => (token.startsWith('wrong') ? undefined : { subject: 'ada' }) },
    ],
  ])('of wrong tokens does not affect a token that was valid before: %s', async (_when, auth) => {
    const clock = new ManualClock(Date.now())
    const { auth: usual } = withAuth()
    start({ auth: { ...usual, resource: RESOURCE, ...auth }, clock, http: { addressRate: rate } })
    const [good, from] = [await signer.token(), '203.0.113.7']
    expect((await send({ body: PING, token: good, from })).status).toBe(200)
    await clock.advance(90_000)
    for (let i = 0; i < 50; i++) expect((await send({ body: PING, token: `wrong-${i}`, from })).status).toBe(401)
    await expectRefusal(await send({ body: PING, token: 'wrong', from }), 429)
    expect((await send({ body: PING, token: good, from })).status).toBe(200)
  })

  test('of wrong tokens that arrive at once is limited before they are checked', async () => {
    let looked = 0
    let decide: () => void = () => {}
    const decided = new Promise<undefined>((resolve) => {
      decide = () => resolve(undefined)
    })
    const verify = () => {
      looked++
      return decided
    }
    start({ auth: { resource: RESOURCE, verify }, clock: new ManualClock(Date.now()), http: { addressRate: rate } })
    const responses = Array.from({ length: 80 }, (_, i) => send({ body: PING, token: `${i}`, from: '203.0.113.7' }))
    await eventually(async () => looked >= 50 || undefined)
    decide()
    const statuses = (await Promise.all(responses)).map(({ status }) => status)
    expect(looked).toBe(50)
    expect([statuses.filter((s) => s === 401).length, statuses.filter((s) => s === 429).length]).toEqual([50, 30])
  })

  test('of valid tokens, and of requests without a token, is not counted for their address', async () => {
    start({ ...withAuth(), clock: new ManualClock(Date.now()), http: { addressRate: rate, principalRate: undefined } })
    const from = '203.0.113.7'
    for (let i = 0; i < 60; i++) {
      expect((await send({ body: PING, from })).status).toBe(401)
      expect((await send({ body: PING, token: await signer.token({ sub: `u${i}` }), from })).status).toBe(200)
    }
  })

  describe('counts each message of a batch', () => {
    const version = '2025-03-26'
    const batch = (length: number) => Array.from({ length }, (_, i) => request(i, 'ping'))

    test('of a principal', async () => {
      const clock = new ManualClock(Date.now())
      start({ ...withAuth(), clock, http: { principalRate: { perSecond: 1, burst: 101 } } })
      const [token, other] = [await signer.token(), await signer.token({ sub: 'bob' })]
      const headers = await open(token, version)
      const send50 = () => send({ body: batch(50), token, headers })
      expect((await send50()).status).toBe(200)
      expect((await send50()).status).toBe(200)
      // Ten times as much as the burst is refused.
      for (let i = 0; i < 20; i++) await expectRefusal(await send50(), 429)
      expect((await send({ body: batch(50), token: other })).status).toBe(400)
    })

    test('of all instances together, approximately', async () => {
      const clock = new ManualClock(Date.now())
      start({ ...withAuth(), clock, http: { principalRate: { perSecond: 1, burst: 100 } } }, 4)
      const token = await signer.token()
      const headers = await open(token, version)
      let served = 0
      for (let i = 0; i < 80; i++) {
        if ((await send({ at: i % 4, body: batch(10), token, headers })).status === 200) served += 10
      }
      expect(served).toBeGreaterThanOrEqual(90)
      expect(served).toBeLessThanOrEqual(150)
    })

    test.each([
      ['requests', batch(50)],
      ['notifications', Array.from({ length: 50 }, () => ({ jsonrpc: '2.0', method: 'notifications/initialized' }))],
      ['responses', Array.from({ length: 50 }, (_, i) => ({ jsonrpc: '2.0', id: `a${i}`, result: {} }))],
      ['things that are no messages', Array.from({ length: 50 }, () => ({}))],
    ])('of an address, where there is no authorization: %s', async (_what, messages) => {
      const clock = new ManualClock(Date.now())
      start({ clock, http: { addressRate: { perSecond: 1, burst: 101 } } })
      const from = '203.0.113.7'
      const headers = await open(undefined, version)
      for (let i = 0; i < 2; i++) {
        expect((await send({ body: messages, headers, from })).status).not.toBe(429)
      }
      const refused = await send({ body: messages, headers, from })
      await expectRefusal(refused, 429)
      expect((await send({ body: messages, headers, from: '203.0.113.8' })).status).not.toBe(429)
      // After the time that Retry-After names, the batch is let in.
      await clock.advance(Number(refused.headers.get('retry-after')) * 1_000)
      expect((await send({ body: messages, headers, from })).status).not.toBe(429)
    })

    test('also where the batch has more messages than the burst: it needs a client that was quiet', async () => {
      const clock = new ManualClock(Date.now())
      start({ clock, http: { addressRate: { perSecond: 1, burst: 10 } } })
      const from = '203.0.113.7'
      const headers = await open(undefined, version)
      expect((await send({ body: batch(50), headers, from })).status).toBe(200)
      await expectRefusal(await send({ body: PING, headers, from }), 429)
      await clock.advance(45_000)
      await expectRefusal(await send({ body: batch(50), headers, from }), 429)
      await clock.advance(60_000)
      expect((await send({ body: batch(50), headers, from })).status).toBe(200)
    })
  })

  test('can be turned off', async () => {
    start({ ...withAuth(), clock: new ManualClock(Date.now()), http: { principalRate: undefined } })
    const token = await signer.token()
    for (let i = 0; i < 1_500; i++) expect((await send({ body: PING, token })).status).toBe(200)
  })
})
