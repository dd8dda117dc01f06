/** The events of requests, calls, asks and streams: in sessions and stateless, in memory and in Redis. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { channels, onEvent } from '../../lib/base/events.ts'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { ErrorCode, ProtocolError } from '../../lib/protocol/errors.ts'
import type { Dispatcher } from '../../lib/server/dispatcher.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { dispatcherOf } from '../../lib/server/own-dispatcher.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { Store } from '../../lib/store/store.ts'
import { body, META, headers as statelessHeaders } from '../stateless/requests.ts'
import { ACCEPT_BOTH, ALL_CAPABILITIES, EventReader, request, toolCall } from '../support/raw.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type Recorded, record } from './record.ts'

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const OTHER_TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00'

let redis: RedisServer
let endpoint: Endpoint
let recorded: Recorded
let open: () => void
let store: Store

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

const context = new AsyncLocalStorage<unknown>()

function server(): McpServer {
  const mcp = new McpServer({ name: 'events', version: '1' })
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const text = (content: string) => ({ content: [{ type: 'text' as const, text: content }] })
  mcp.registerTool('ok', {}, () => text('ok'))
  mcp.registerTool('later', {}, async () => text('ok'))
  mcp.registerTool('named', { inputSchema: z.object({ n: z.number() }) }, ({ n }) => text(`${n}`))
  mcp.registerTool('throws', {}, () => {
    throw new RangeError('out of tea')
  })
  mcp.registerTool('rejects', {}, async () => {
    throw new RangeError('out of tea')
  })
  mcp.registerTool('fails', {}, () => ({ ...text('no'), isError: true }))
  mcp.registerTool('protocol', {}, () => {
    throw new ProtocolError(-32_050, 'not today')
  })
  mcp.registerTool(
    'misfit',
    { outputSchema: z.object({ n: z.number() }) },
    () => ({ structuredContent: { n: 'x' } }) as never,
  )
  mcp.registerTool('unsendable', {}, () => ({ content: [], _meta: { big: 1n } }) as never)
  mcp.registerTool('asks', {}, async (ctx) => {
    const { action } = await ctx.elicit('Sure?', z.object({ sure: z.boolean() }))
    return text(action)
  })
  mcp.registerTool('waits', {}, async (ctx) => {
    await ctx.progress(1, 2)
    await Promise.race([
      gate,
      new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))),
    ])
    return text('through')
  })
  mcp.registerTool('again', { annotations: { readOnlyHint: true } }, async (ctx) => {
    await ctx.progress(1, 2)
    await gate
    return text('done')
  })
  mcp.registerTool('context', {}, async () => {
    await gate
    return text(JSON.stringify(context.getStore() ?? null))
  })
  mcp.registerResource('tea', 'note://tea', {}, () => ({ contents: [{ uri: 'note://tea', text: 'tea' }] }))
  mcp.registerResource('broken', 'note://broken', {}, () => {
    throw new Error('no note')
  })
  mcp.registerPrompt('hello', {}, () => ({ messages: [{ role: 'user', content: { type: 'text', text: 'hello' } }] }))
  return mcp
}

interface Kind {
  name: string
  /** Sends one request. `headers` are added. */
  send(method: string, params?: object, headers?: Record<string, string>): Promise<Response>
  session: boolean
  revision: string
}

const post = async (message: object, headers: Record<string, string> = {}) =>
  endpoint.fetch(
    new Request('http://localhost/mcp', {
      method: 'POST',
      body: JSON.stringify(message),
      headers: { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...headers },
    }),
  )

let session = ''
async function initialize(revision = '2025-11-25'): Promise<void> {
  const params = {
    protocolVersion: revision,
    capabilities: ALL_CAPABILITIES,
    clientInfo: { name: 'tester', version: '7' },
  }
  const response = await post(request(0, 'initialize', params))
  await response.text()
  session = response.headers.get('mcp-session-id') ?? ''
}

let ids = 0
const KINDS: Kind[] = [
  {
    name: 'a session',
    session: true,
    revision: '2025-11-25',
    send: async (method, params = {}, headers = {}) =>
      post(request(++ids, method, params), { 'mcp-session-id': session, ...headers }),
  },
  {
    name: 'the stateless revision',
    session: false,
    revision: '2026-07-28',
    send: async (method, params = {}, headers = {}) => {
      const asked = { id: ++ids, method, params: params as Record<string, unknown> }
      const { _meta } = params as { _meta?: Record<string, unknown> }
      const meta = { ..._meta, [META.info]: { name: 'tester', version: '7' } }
      return post(body({ ...asked, meta }), { ...statelessHeaders(asked), ...headers })
    },
  },
]

const STORES: [string, () => Store][] = [
  ['memory', () => memoryStore()],
  ['Redis', () => redisStore(redis.url)],
]

describe.each(STORES)('with a store in %s', (storeName, makeStore) => {
  beforeEach(async () => {
    store = makeStore()
    endpoint = createEndpoint(server(), { store, onError: () => {} })
    await initialize()
    recorded = record()
  })
  afterEach(async () => {
    recorded.stop()
    open()
    await endpoint.close()
  })

  describe.each(KINDS)('in $name', ({ send, session: inSession, revision }) => {
    const tool = (name: string, args: object = {}, more: object = {}) =>
      send('tools/call', { name, arguments: args, ...more })

    test('a call has its subject, client, outcome and request, which has the call', async () => {
      const response = await send(
        'tools/call',
        { name: 'later', arguments: {} },
        { 'x-request-id': 'from-the-front', traceparent: TRACE },
      )
      expect(response.status).toBe(200)
      await response.text()
      const call = await recorded.next('call')
      const asked = await recorded.next('request')
      expect(call).toMatchObject({
        instance: endpoint.instanceId,
        revision,
        client: { name: 'tester', version: '7' },
        id: ids,
        method: 'tools/call',
        kind: 'tool',
        name: 'later',
        run: 'first',
        outcome: 'ok',
        traceparent: TRACE,
      })
      expect(asked).toMatchObject({
        instance: endpoint.instanceId,
        id: 'from-the-front',
        httpMethod: 'POST',
        path: '/mcp',
        method: 'tools/call',
        messages: 1,
        revision,
        client: { name: 'tester', version: '7' },
        status: 200,
        traceparent: TRACE,
      })
      expect(call.request).toBe(asked)
      expect(asked.call).toBe(call)
      expect(call.durationMs).toBeGreaterThanOrEqual(0)
      expect(asked.durationMs).toBeGreaterThanOrEqual(call.durationMs)
      // The digest of a session, never its id.
      expect(call.session).toBe(asked.session)
      if (inSession) expect(call.session).toMatch(/^[\w-]{22}$/)
      else expect(call).not.toHaveProperty('session')
      if (inSession) expect(call.session).not.toBe(session)
      // The start published the same object.
      expect(recorded.of('call-start')[0]).toBe(call)
      expect(recorded.of('request-start')[0]).toBe(asked)
      const order = recorded.order.filter((name) => name !== 'command')
      expect(order).toEqual(['request-start', 'call-start', 'call', 'request'])
    })

    test.each([
      ['throws', { outcome: 'tool_error', fault: 'exception', error: expect.any(RangeError) }],
      ['rejects', { outcome: 'tool_error', fault: 'exception', error: expect.any(RangeError) }],
      ['fails', { outcome: 'tool_error', error: new Error('no') }],
      ['protocol', { outcome: 'error', code: -32_050 }],
      ['misfit', { outcome: 'tool_error', fault: 'result' }],
      ['unsendable', { outcome: 'tool_error', fault: 'result' }],
      ['named', { outcome: 'tool_error', fault: 'arguments' }],
      ['unknown', { outcome: 'error', code: ErrorCode.InvalidParams, fault: 'unknown' }],
    ])('the outcome of the tool "%s" is reported with its reason', async (name, expected) => {
      await (await tool(name)).text()
      const call = await recorded.next('call')
      expect(call).toMatchObject({ kind: 'tool', name, ...expected })
      if (!('fault' in expected)) expect(call).not.toHaveProperty('fault')
      expect(recorded.of('call')).toHaveLength(1)
    })

    test.each([
      ['resources/read', { uri: 'note://tea' }, { kind: 'resource', name: 'note://tea', outcome: 'ok' }],
      [
        'resources/read',
        { uri: 'note://broken' },
        { kind: 'resource', outcome: 'error', code: -32_603, fault: 'exception', error: new Error('no note') },
      ],
      ['resources/read', { uri: 'note://none' }, { kind: 'resource', name: 'note://none', outcome: 'error' }],
      ['prompts/get', { name: 'hello' }, { kind: 'prompt', name: 'hello', outcome: 'ok' }],
      ['prompts/get', { name: 'x' }, { kind: 'prompt', name: 'x', outcome: 'error', fault: 'unknown' }],
      ['tools/list', {}, { method: 'tools/list', outcome: 'ok' }],
      ['nowhere/at/all', {}, { outcome: 'error', code: ErrorCode.MethodNotFound }],
    ])('%s %o', async (method, params, expected) => {
      await (await send(method, params)).text()
      expect(await recorded.next('call')).toMatchObject({ method, ...expected })
    })

    test('a trace in _meta comes before the one of the headers, and what is no trace is left out', async () => {
      const params = (_meta: object) => ({ name: 'ok', arguments: {}, _meta })
      await (
        await send('tools/call', params({ traceparent: OTHER_TRACE, tracestate: 'a=b' }), { traceparent: TRACE })
      ).text()
      await (await send('tools/call', params({ traceparent: 'secret' }), { traceparent: 'x'.repeat(5_000) })).text()
      const [first, second] = recorded.of('call')
      expect(first).toMatchObject({ traceparent: OTHER_TRACE, tracestate: 'a=b' })
      expect(second).not.toHaveProperty('traceparent')
      expect(recorded.of('request').map(({ traceparent }) => traceparent)).toEqual([TRACE, undefined])
    })

    test('a stream has its begin and its end, with what was written', async () => {
      const reader = new EventReader(await tool('waits', {}, { _meta: { progressToken: 'p' } }))
      await reader.until(({ params }) => params?.progress === 1)
      const started = await recorded.next('stream-start')
      expect(started).toMatchObject({ kind: 'call', request: { method: 'tools/call' } })
      expect(recorded.of('request')).toHaveLength(0)
      open()
      await reader.rest()
      const stream = await recorded.next('stream')
      expect(stream).toBe(started)
      expect(stream).toMatchObject({ kind: 'call', outcome: 'ended' })
      expect(stream.writes).toBeGreaterThan(1)
      expect(stream.characters).toBeGreaterThan(100)
      expect(await recorded.next('request')).toMatchObject({ status: 200 })
      expect(await recorded.next('call')).toMatchObject({ name: 'waits', outcome: 'ok' })
    })

    test('a client that leaves closes its stream, and cancels a stateless call alone', async () => {
      const reader = new EventReader(await tool('waits', {}, { _meta: { progressToken: 'p' } }))
      await reader.until(({ params }) => params?.progress === 1)
      reader.drop()
      expect(await recorded.next('stream')).toMatchObject({ outcome: 'closed' })
      expect(await recorded.next('request')).toMatchObject({ status: 200 })
      if (inSession) open()
      expect(await recorded.next('call')).toMatchObject({ name: 'waits', outcome: inSession ? 'ok' : 'cancelled' })
    })

    test('a call that is not done when the instance shuts down is abandoned, and the drain has its begin and end', async () => {
      const other = createEndpoint(server(), { store, session: { drainTimeout: 50 }, onError: () => {} })
      const own = endpoint
      endpoint = other
      const reader = new EventReader(await tool('waits', {}, { _meta: { progressToken: 'p' } }))
      await reader.until(({ params }) => params?.progress === 1)
      endpoint = own
      await Promise.all([other.close(), reader.rest()])
      const drain = await recorded.next('drain')
      expect(drain).toMatchObject({ instance: other.instanceId, calls: 1, left: 1 })
      expect(drain).toBe(recorded.of('drain-start')[0])
      expect(await recorded.next('call')).toMatchObject({ name: 'waits', outcome: 'abandoned' })
    })

    test('the handler runs with the stores that a listener has bound', async () => {
      const start = channel('mcp-anywhere:call-start')
      start.bindStore(context, (event) => ({ span: (event as { name: string }).name }))
      try {
        const answer = tool('context')
        await recorded.next('call-start')
        open()
        const text = await (await answer).text()
        expect(text).toContain('span')
        expect(text).toContain('context')
      } finally {
        start.unbindStore(context)
      }
    })

    test('a listener that throws disturbs nobody, and is a warning once', async () => {
      const warnings: string[] = []
      const warned = ({ name, message }: Error) => name === 'McpAnywhereWarning' && warnings.push(message)
      process.on('warning', warned)
      const ends = (['request-start', 'request', 'call-start', 'call'] as const).map((name) =>
        onEvent(name, () => {
          throw new Error('a bad listener')
        }),
      )
      try {
        for (let i = 0; i < 3; i++) {
          const response = await tool('later')
          expect(response.status).toBe(200)
          expect(await response.text()).toContain('ok')
        }
        expect(recorded.of('call')).toHaveLength(3)
        await recorded.next('request', () => warnings.length >= 4)
        expect(warnings).toHaveLength(4)
      } finally {
        for (const end of ends) end()
        process.off('warning', warned)
      }
    })
  })

  test('an ask in a session has its outcome and its call', async () => {
    const reader = new EventReader(await post(toolCall('a', 'asks'), { 'mcp-session-id': session }))
    const asked = await reader.until(({ method }) => method === 'elicitation/create')
    const result = { action: 'accept', content: { sure: true } }
    await (await post({ jsonrpc: '2.0', id: asked.message?.id, result }, { 'mcp-session-id': session })).text()
    await reader.rest()
    const ask = await recorded.next('ask')
    expect(ask).toMatchObject({ method: 'elicitation/create', outcome: 'answered', call: { name: 'asks' } })
    expect(ask.call).toBe(await recorded.next('call'))
  })

  test('an ask that the client refuses, and one whose call is cancelled', async () => {
    const ask = async (id: string) => {
      const reader = new EventReader(await post(toolCall(id, 'asks'), { 'mcp-session-id': session }))
      return { reader, asked: await reader.until(({ method }) => method === 'elicitation/create') }
    }
    const one = await ask('a')
    await (
      await post(
        { jsonrpc: '2.0', id: one.asked.message?.id, error: { code: -1, message: 'no' } },
        { 'mcp-session-id': session },
      )
    ).text()
    expect(await recorded.next('ask')).toMatchObject({ outcome: 'refused' })
    expect(await recorded.next('call')).toMatchObject({ outcome: 'tool_error', fault: 'exception' })
    recorded.clear()
    await ask('b')
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'b' } }
    await (await post(cancel, { 'mcp-session-id': session })).text()
    expect(await recorded.next('ask')).toMatchObject({ outcome: 'abandoned' })
    expect(await recorded.next('call')).toMatchObject({ outcome: 'cancelled', id: 'b' })
  })

  test('an ask in the stateless revision is pending, and its call needs input', async () => {
    const [, stateless] = KINDS
    await (await stateless?.send('tools/call', { name: 'asks', arguments: {} }))?.text()
    expect(await recorded.next('call')).toMatchObject({ outcome: 'input_required' })
    expect(await recorded.next('ask')).toMatchObject({ outcome: 'pending', call: { name: 'asks' } })
  })

  test('streams of GET have their kinds', async () => {
    const get = (headers: object = {}) =>
      endpoint.fetch(
        new Request('http://localhost/mcp', {
          headers: { accept: 'text/event-stream', 'mcp-session-id': session, ...headers },
        }),
      )
    const reader = new EventReader(await get())
    await reader.next()
    expect(await recorded.next('stream-start')).toMatchObject({ kind: 'get', request: { httpMethod: 'GET' } })
    new EventReader(await get({ 'last-event-id': reader.lastId })).drop()
    expect(await recorded.next('stream-start', ({ kind }) => kind === 'resume')).toBeDefined()
    reader.drop()
    const asked = { method: 'subscriptions/listen', params: { notifications: { toolsListChanged: true } } }
    const listening = new EventReader(await post(body(asked), statelessHeaders(asked)))
    await listening.next()
    expect(await recorded.next('stream-start', ({ kind }) => kind === 'listen')).toBeDefined()
    listening.drop()
    await recorded.next('stream', ({ kind }) => kind === 'listen')
  })

  test('the calls of a batch have an event each', async () => {
    await initialize('2025-03-26')
    recorded.clear()
    const batch = [toolCall('a', 'ok'), toolCall('b', 'throws'), toolCall('c', 'later')]
    await (await post(batch, { 'mcp-session-id': session })).text()
    expect(recorded.of('call').map(({ id, outcome }) => [id, outcome])).toEqual(
      expect.arrayContaining([
        ['a', 'ok'],
        ['b', 'tool_error'],
        ['c', 'ok'],
      ]),
    )
    expect(recorded.of('request')).toMatchObject([{ messages: 3, method: 'tools/call', status: 200 }])
  })

  test(`${storeName === 'Redis' ? 'commands' : 'no commands'} of the store are published`, async () => {
    await (await post(toolCall(1, 'ok'), { 'mcp-session-id': session })).text()
    const commands = recorded.of('command')
    if (storeName === 'memory') return expect(commands).toEqual([])
    expect(commands[0]).toMatchObject({ store: 'redis', command: 'hmget' })
    expect(commands[0]?.durationMs).toBeGreaterThan(0)
    expect(commands[0]).not.toHaveProperty('error')
  })

  test.each([
    [404, 'session', { 'mcp-session-id': 'x'.repeat(22) }, '/mcp'],
    [400, 'request', {}, '/mcp'],
    [415, 'request', { 'content-type': 'text/plain' }, '/mcp'],
    [403, 'origin', { origin: 'https://evil.example' }, '/mcp'],
    [404, 'request', {}, '/nowhere'],
  ])('a refusal with status %i is of kind %s', async (status, kind, headers, path) => {
    const message = new Request(`http://localhost${path}`, {
      method: 'POST',
      body: JSON.stringify(toolCall(1, 'ok')),
      headers: { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...headers },
    })
    const response = await endpoint.fetch(message)
    expect(response.status).toBe(status)
    const { error } = (await response.json()) as { error: { message: string; code: number } }
    const refusal = await recorded.next('refusal')
    expect(refusal).toMatchObject({ kind, status, code: error.code, reason: error.message, request: { path } })
    expect(await recorded.next('request')).toMatchObject({ status, refusal })
    expect(recorded.of('call')).toEqual([])
  })
})

test('the call of an instance that shut down is taken over, and its second run has its events', async () => {
  const options = { lease: 2_000, heartbeat: 500, registerAfter: 5, drainTimeout: 20 }
  const make = () => createEndpoint(server(), { store: redisStore(redis.url), session: options, onError: () => {} })
  const [one, two] = [make(), make()]
  recorded = record()
  try {
    endpoint = one
    await initialize()
    const meta = { progressToken: 'p' }
    const first = new EventReader(await post(toolCall('t', 'again', {}, meta), { 'mcp-session-id': session }))
    await first.until(({ params }) => params?.progress === 1)
    const closed = one.close()
    await Promise.all([closed, first.rest()])
    expect(await recorded.next('call')).toMatchObject({ name: 'again', run: 'first', outcome: 'released' })
    const headers = { accept: 'text/event-stream', 'mcp-session-id': session, 'last-event-id': first.lastId ?? '' }
    const second = new EventReader(await two.fetch(new Request('http://localhost/mcp', { headers })))
    const takeover = await recorded.next('takeover')
    expect(takeover).toMatchObject({ instance: two.instanceId, id: 't', method: 'tools/call', outcome: 'rerun' })
    expect(takeover.sent).toBeGreaterThan(0)
    // The instance released the call, and names itself no longer.
    expect(takeover).not.toHaveProperty('from')
    open()
    expect((await second.rest()).at(-1)).toMatchObject({ id: 't', result: {} })
    const rerun = await recorded.next('call', ({ run }) => run === 'takeover')
    expect(rerun).toMatchObject({ instance: two.instanceId, name: 'again', outcome: 'ok', id: 't' })
    expect(rerun.session).toBe(takeover.session)
  } finally {
    recorded.stop()
    open()
    await Promise.all([one.close(), two.close()])
  }
})

test('a call that is waiting while the client cancels, or whose session ends, says so', async () => {
  endpoint = createEndpoint(server(), { onError: () => {} })
  await initialize()
  recorded = record()
  const wait = async (id: string) => {
    const reader = new EventReader(
      await post(toolCall(id, 'waits', {}, { progressToken: id }), { 'mcp-session-id': session }),
    )
    await reader.until(({ params }) => params?.progress === 1)
  }
  await wait('gone')
  const deleted = new Request('http://localhost/mcp', { method: 'DELETE', headers: { 'mcp-session-id': session } })
  expect((await endpoint.fetch(deleted)).status).toBe(204)
  expect(await recorded.next('call')).toMatchObject({ id: 'gone', outcome: 'session_gone' })
  recorded.stop()
  await endpoint.close()
})

test('requests over the rate are refused with that kind', async () => {
  endpoint = createEndpoint(server(), { http: { addressRate: { perSecond: 0.001, burst: 1 } }, onError: () => {} })
  recorded = record()
  const incoming = { socket: { remoteAddress: '203.0.113.7' } }
  const ask = () => endpoint.fetch(new Request('http://localhost/mcp', { method: 'DELETE' }), { incoming })
  await ask()
  expect((await ask()).status).toBe(429)
  expect(recorded.of('refusal').at(-1)).toMatchObject({ kind: 'rate', status: 429 })
  recorded.stop()
  await endpoint.close()
})

test.each([
  [undefined, 'token_missing', 401],
  ['Bearer', 'token_malformed', 400],
  ['Bearer secret', 'token_invalid', 401],
])(
  'a request with the authorization %j is refused as %s, and the event has no token',
  async (authorization, kind, status) => {
    const auth = { issuer: 'https://as.example', resource: 'https://mcp.example/mcp', jwks: { keys: [] } }
    endpoint = createEndpoint(server(), { auth, onError: () => {} })
    recorded = record()
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
    expect((await post(request(1, 'ping'), headers)).status).toBe(status)
    const refusal = recorded.of('refusal').at(-1)
    expect(refusal).toMatchObject({ kind, status })
    expect(inspect(recorded.of('request'), { depth: 5 })).not.toContain('secret')
    expect(refusal?.reason).not.toBe('')
    recorded.stop()
    await endpoint.close()
  },
)

describe('where nobody listens', () => {
  /** Counts what is published, and what a dispatcher sees of an event. */
  test.each(KINDS)('no event is made in $name', async ({ send }) => {
    const own = dispatcherOf(server())
    const seen: unknown[] = []
    const dispatcher: Dispatcher = {
      ...own,
      dispatch(method, params, given) {
        seen.push(given.event, Reflect.get(given, 'watch'), Reflect.get(given, 'note'))
        return own.dispatch(method, params, given)
      },
    }
    store = redisStore(redis.url)
    endpoint = createEndpoint(dispatcher, { store, onError: () => {} })
    const published: string[] = []
    const spied = Object.entries(channels).map(([name, one]) => {
      const spy = () => void published.push(name)
      Object.assign(one, { publish: spy, runStores: spy })
      return one
    })
    try {
      await initialize()
      for (const name of ['ok', 'later', 'throws', 'unknown']) {
        expect((await send('tools/call', { name, arguments: {} })).status).toBe(200)
      }
      expect((await post({ broken: true })).status).toBe(400)
      expect(seen).toHaveLength(4 * 3)
      expect(seen.every((value) => value === undefined)).toBe(true)
      expect(published).toEqual([])
      await endpoint.close()
    } finally {
      for (const one of spied) {
        Reflect.deleteProperty(one, 'publish')
        Reflect.deleteProperty(one, 'runStores')
      }
    }
  })

  test('a listener that is gone is not heard any more', async () => {
    const before = record()
    before.stop()
    for (const one of Object.values(channels)) expect(one.hasSubscribers).toBe(false)
  })
})
