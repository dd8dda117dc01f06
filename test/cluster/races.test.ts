/** Cancels, ends and heartbeats while an operation of the call is in flight at the store. */
import { expect, test } from 'vitest'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import type { Context } from '../../lib/server/context/context.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { StoreUnavailable } from '../../lib/store/store.ts'
import { body, headers, tool } from '../stateless/requests.ts'
import { interceptedStore, type Step } from '../support/intercepted-store.ts'
import { ACCEPT_BOTH, EventReader } from '../support/raw.ts'
import { ManualClock, turn } from './simulation.ts'

/** An endpoint with one tool, `act`, whose handler is `act`. */
function make(act: (ctx: Context) => Promise<string>, options: EndpointOptions = {}) {
  const clock = new ManualClock()
  const server = new McpServer({ name: 'races', version: '1' })
  server.registerTool('act', {}, async (ctx) => ({ content: [{ type: 'text', text: await act(ctx) }] }))
  const endpoint = createEndpoint(server, { clock, onError: () => {}, ...options })
  return { clock, endpoint }
}

async function send(endpoint: Endpoint, message: unknown, extra: Record<string, string> = {}): Promise<Response> {
  const all = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...extra }
  return endpoint.fetch(
    new Request('http://localhost/mcp', { method: 'POST', headers: all, body: JSON.stringify(message) }),
  )
}

async function open(endpoint: Endpoint, protocolVersion = '2025-11-25'): Promise<Record<string, string>> {
  const params = {
    protocolVersion,
    capabilities: { elicitation: { url: {} } },
    clientInfo: { name: 'a', version: '1' },
  }
  const response = await send(endpoint, { jsonrpc: '2.0', id: 0, method: 'initialize', params })
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
}

const act = (id: number) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'act', arguments: {}, _meta: { progressToken: id } },
})
const cancel = (requestId: number) => ({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } })
const nothing = { connections: 0, calls: 0, unregistered: 0, owed: 0 }
const never = () => new Promise<never>(() => {})

test('a cancel while the first append is in flight ends the stream', async () => {
  const barrier = Promise.withResolvers<void>()
  const append: Step = async (proceed) => {
    const reply = await proceed()
    await barrier.promise
    return reply
  }
  const { endpoint } = make((ctx) => ctx.progress(1).then(never), { store: interceptedStore({ append }) })
  const session = await open(endpoint)
  const answered = send(endpoint, act(1), session)
  await turn()
  await send(endpoint, cancel(1), session)
  barrier.resolve()
  expect((await new EventReader(await answered).rest()).filter(({ id }) => id === 1)).toEqual([])
  await turn()
  expect(endpoint.stats()).toEqual(nothing)
})

test('a cancel on another instance before the first append ends the stream', async () => {
  const store = memoryStore()
  const start = Promise.withResolvers<void>()
  const { endpoint } = make(async (ctx) => start.promise.then(() => ctx.progress(1)).then(never), { store })
  const other = make(never, { store }).endpoint
  const session = await open(endpoint)
  const answered = send(endpoint, act(1), session)
  await turn()
  await send(other, cancel(1), session)
  start.resolve()
  expect(await new EventReader(await answered).rest()).toEqual([])
  await turn()
  expect(endpoint.stats()).toEqual(nothing)
})

test('a batch streams although one of its calls was cancelled before', async () => {
  const start = Promise.withResolvers<void>()
  const handler = async (ctx: Context) => {
    if (ctx.requestId === 1) return never()
    await start.promise
    await ctx.progress(1)
    return 'two'
  }
  const { endpoint } = make(handler)
  const session = await open(endpoint, '2025-03-26')
  const answered = send(endpoint, [act(1), act(2)], session)
  await turn()
  await send(endpoint, cancel(1), session)
  start.resolve()
  const messages = await new EventReader(await answered).rest()
  expect(messages.at(-1)?.id).toBe(2)
  await turn()
  expect(endpoint.stats()).toEqual(nothing)
})

test.each(['cancel', 'DELETE'])(
  'a %s while the call registers and sends leaves nothing in the instance',
  async (how) => {
    const start = Promise.withResolvers<void>()
    const barrier = Promise.withResolvers<void>()
    const register: Step = async (proceed) => {
      await barrier.promise
      return proceed()
    }
    const { endpoint, clock } = make((ctx) => start.promise.then(() => ctx.progress(1)).then(never), {
      store: interceptedStore({ register }),
    })
    const session = await open(endpoint)
    const answered = send(endpoint, act(1), session)
    await turn()
    await clock.advance(60)
    start.resolve()
    await turn()
    if (how === 'cancel') await send(endpoint, cancel(1), session)
    else await endpoint.fetch(new Request('http://localhost/mcp', { method: 'DELETE', headers: session }))
    barrier.resolve()
    await (await answered).text()
    await endpoint.settled()
    expect(endpoint.stats()).toEqual(nothing)
  },
)

test.each(['streamAfter passes', 'a heartbeat reads the store'])(
  'a result is not lost when %s while the call ends',
  async (what) => {
    const done = Promise.withResolvers<string>()
    const barrier = Promise.withResolvers<void>()
    const endCall: Step = async (proceed) => {
      const reply = await proceed()
      await barrier.promise
      return reply
    }
    const session = { streamAfter: 2_000, heartbeat: 1_000 }
    const { endpoint, clock } = make(() => done.promise, { store: interceptedStore({ endCall }), session })
    const opening = await open(endpoint)
    const accept = what.startsWith('a heartbeat') ? { accept: 'application/json' } : {}
    const answered = send(endpoint, act(1), { ...opening, ...accept })
    await turn()
    await clock.advance(1_500)
    done.resolve('the result')
    await turn()
    await clock.advance(2_000)
    barrier.resolve()
    expect(await (await answered).text()).toContain('the result')
  },
)

test('an ended call frees its slot of the session although endCall failed at first', async () => {
  const done = Promise.withResolvers<string>()
  let fails = true
  const endCall: Step = (proceed) => (fails ? Promise.reject(new StoreUnavailable('away')) : proceed())
  const { endpoint, clock } = make(() => done.promise, {
    store: interceptedStore({ endCall }),
    session: { maxCalls: 1 },
  })
  const session = await open(endpoint)
  const answered = send(endpoint, act(1), session)
  await turn()
  await clock.advance(100)
  done.resolve('done')
  expect((await answered).status).toBe(200)
  fails = false
  await clock.advance(6_000)
  const again = send(endpoint, act(1), session)
  await clock.advance(100)
  expect(await (await again).text()).toContain('done')
})

test('a stateless call is cancelled when its client disconnected before the call began', async () => {
  const aborted = Promise.withResolvers<string>()
  const { endpoint } = make(async (ctx) => {
    ctx.signal.addEventListener('abort', () => aborted.resolve('aborted'))
    if (ctx.signal.aborted) aborted.resolve('aborted')
    return never()
  })
  const request = tool('act')
  const init = { method: 'POST', body: JSON.stringify(body(request)), signal: AbortSignal.abort() }
  const all = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...headers(request) }
  void endpoint.fetch(new Request('http://localhost/mcp', { ...init, headers: all }))
  expect(await aborted.promise).toBe('aborted')
})

test('an id, a URI or a record beyond its bound is refused', async () => {
  const { endpoint } = make(async () => 'done')
  const session = await open(endpoint)
  const long = 'x'.repeat(20_000)
  expect((await send(endpoint, { jsonrpc: '2.0', id: long, method: 'ping' }, session)).status).toBe(400)
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: long, version: '1' },
  }
  expect((await send(endpoint, { jsonrpc: '2.0', id: 0, method: 'initialize', params })).status).toBe(400)
  const subscribed = await send(
    endpoint,
    { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri: long } },
    session,
  )
  expect(await subscribed.text()).toContain('-32602')
})
