/** Tasks of a session whose streams and runs are on three instances: one stream asks, and the end of the session is the end of its tasks. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { sessionKey } from '../../lib/session/stream/session.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { Store } from '../../lib/store/store.ts'
import { eventually } from '../support/eventually.ts'
import { redisOfFile } from '../support/file-redis.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage, request } from '../support/raw.ts'

vi.setConfig({ testTimeout: 60_000 })

const KEYS = [Buffer.alloc(32, 'k')]
const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })
const isAsk = ({ method }: RpcMessage) => method === 'elicitation/create'

const redis = redisOfFile()

/** Why the handlers of `waits` were aborted. */
let aborted: string[] = []
function server(): McpServer {
  const made = new McpServer({ name: 'shared', version: '1' })
  made.registerTool('asks', { task: 'optional', durable: true }, async (ctx) => {
    const { action } = await ctx.elicit('Well?', { type: 'object', properties: {} })
    return text(action)
  })
  made.registerTool('waits', { task: 'optional', durable: true }, async ({ signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    aborted.push((signal.reason as Error).message)
    return text('aborted')
  })
  made.registerTool('notes', { task: 'required' }, async ({ session }) => {
    await session?.set('note', 'kept')
    return text(String(await session?.get('note')))
  })
  return made
}

let shared: Store
const STORES: Record<string, () => Store> = { memory: () => shared, Redis: () => redisStore(redis.server.url) }

describe.each(Object.keys(STORES))('three instances on a store in %s', (name) => {
  let endpoints: Endpoint[]
  let headers: Record<string, string>
  let ids = 0
  async function open(heartbeat = 5_000, suspendAfter = 0): Promise<void> {
    aborted = []
    await redis.admin.flushall()
    const memory = memoryStore()
    // Each instance closes its store, and the others go on.
    shared = new Proxy(memory, {
      get: (store, member) => (member === 'close' ? async () => {} : Reflect.get(store, member)),
    })
    endpoints = Array.from({ length: 3 }, () => {
      const session = { lease: 15_000, heartbeat, suspendAfter }
      return createEndpoint(server(), { store: STORES[name]?.() as Store, keys: KEYS, session, allowedHosts: '*' })
    })
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: { elicitation: {} },
      clientInfo: { name: 'raw', version: '1' },
    }
    headers = {}
    const response = await send(0, request(++ids, 'initialize', params))
    headers = { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': '2025-11-25' }
  }
  afterEach(async () => {
    // A call that is over keeps nothing.
    if (name === 'Redis') await expect.poll(() => redis.admin.keys('*:jrn:*'), { timeout: 5_000 }).toEqual([])
    await Promise.all(endpoints.map((endpoint) => endpoint.close()))
  })

  const fetchAt = (at: number, init: RequestInit) =>
    (endpoints[at] as Endpoint).fetch(new Request('http://localhost/mcp', init)) as Promise<Response>
  const send = (at: number, message: object) =>
    fetchAt(at, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...headers },
      body: JSON.stringify(message),
    })
  /** The response to a request, which may have been sent on a stream. */
  async function ask(at: number, method: string, params: object) {
    const response = await send(at, request(++ids, method, params))
    if (response.headers.get('content-type') === 'application/json') return (await response.json()) as RpcMessage
    return (await new EventReader(response).rest()).at(-1) as RpcMessage
  }
  const start = async (at: number, tool: string) =>
    (await ask(at, 'tools/call', { name: tool, arguments: {}, task: {} })).result.task.taskId as string
  /** Waits for the result of a task on a stream of its own. */
  async function waitFor(at: number, taskId: string): Promise<{ id: number; stream: EventReader }> {
    const id = ++ids
    return { id, stream: new EventReader(await send(at, request(id, 'tasks/result', { taskId }))) }
  }
  const answer = async (at: number, id: string | number | undefined) =>
    expect((await send(at, { jsonrpc: '2.0', id, result: { action: 'accept', content: {} } })).status).toBe(202)
  const asksOf = (stream: EventReader) => stream.events.filter(({ message }) => message && isAsk(message)).length

  test('of two streams that wait for a task one sends what it asks, and both get its result', async () => {
    await open()
    const taskId = await start(0, 'asks')
    const first = await waitFor(1, taskId)
    const { message } = await first.stream.until(isAsk)
    const second = await waitFor(2, taskId)
    await second.stream.until(({ params }) => params?.status === 'input_required')
    await answer(0, message?.id)
    for (const { stream } of [first, second]) expect((await stream.rest()).at(-1)?.result).toMatchObject(text('accept'))
    expect(asksOf(first.stream)).toBe(1)
    expect(asksOf(second.stream)).toBe(0)
  })

  test('where the stream that asks is cancelled, the other one asks', async () => {
    await open()
    const taskId = await start(0, 'asks')
    const first = await waitFor(1, taskId)
    await first.stream.until(isAsk)
    const second = await waitFor(2, taskId)
    await second.stream.until(({ params }) => params?.status === 'input_required')
    expect(asksOf(second.stream)).toBe(0)
    await send(0, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: first.id } })
    const { message } = await second.stream.until(isAsk)
    await answer(0, message?.id)
    expect((await second.stream.rest()).at(-1)?.result).toMatchObject(text('accept'))
  })

  test('where nobody reads the stream that asks, the other one asks, and what the first has asked is withdrawn', async () => {
    // It keeps its turn for two heartbeats.
    await open(300)
    const taskId = await start(0, 'asks')
    const first = await waitFor(1, taskId)
    const asked = await first.stream.until(isAsk)
    first.stream.drop()
    const second = await waitFor(2, taskId)
    const { message } = await second.stream.until(isAsk)
    const back = await fetchAt(0, {
      headers: { accept: 'text/event-stream', ...headers, 'last-event-id': asked.id ?? '' },
    })
    const again = new EventReader(back)
    const withdrawn = await again.until(({ method }) => method === 'notifications/cancelled')
    expect(withdrawn.message?.params.requestId).toBe(asked.message?.id)
    await answer(1, message?.id)
    for (const stream of [again, second.stream]) {
      expect((await stream.rest()).at(-1)?.result).toMatchObject(text('accept'))
    }
  })

  describe('a suspended tasks/result', () => {
    /** Nobody runs it any more: its client comes back for the rest. */
    async function suspended(taskId: string): Promise<() => Promise<EventReader>> {
      const { stream } = await waitFor(1, taskId)
      await stream.until(isAsk)
      await stream.rest()
      const back = { accept: 'text/event-stream', ...headers, 'last-event-id': stream.lastId ?? '' }
      return async () => new EventReader(await fetchAt(0, { headers: back }))
    }

    test('finds at the next poll that its task was cancelled', async () => {
      await open(5_000, 100)
      const taskId = await start(0, 'asks')
      const poll = await suspended(taskId)
      expect(await (await poll()).rest()).toEqual([])
      expect((await ask(2, 'tasks/cancel', { taskId })).result.status).toBe('cancelled')
      expect((await (await poll()).rest()).at(-1)?.error?.message).toMatch(/was cancelled/)
    })

    test('ends with its session, of which nothing is kept', async () => {
      await open(5_000, 100)
      await suspended(await start(0, 'asks'))
      expect((await fetchAt(2, { method: 'DELETE', headers })).status).toBe(204)
      const left = async () => (await redis.admin.keys('*')).filter((key) => /:(jrn|log|task|suspended)/.test(key))
      if (name === 'Redis') await expect.poll(left).toEqual([])
    })

    test('finds at the next poll that another stream has brought the answer', async () => {
      await open(300, 100)
      const taskId = await start(0, 'asks')
      const poll = await suspended(taskId)
      // Another stream asks, where nobody reads the first.
      const second = await waitFor(2, taskId)
      const { message } = await second.stream.until(isAsk)
      await answer(0, message?.id)
      const done = async () =>
        (await ask(2, 'tasks/get', { taskId })).result.status === 'completed' ? true : undefined
      await eventually(done)
      expect((await (await poll()).rest()).at(-1)?.result).toMatchObject(text('accept'))
      await second.stream.rest()
    })
  })

  test('a task has the values of its session', async () => {
    await open()
    const taskId = await start(0, 'notes')
    expect((await ask(1, 'tasks/result', { taskId })).result).toMatchObject(text('kept'))
  })

  test('the end of a session ends its tasks: their runs hear of it, and nothing of them is kept', async () => {
    await open()
    const taskId = await start(0, 'waits')
    // The instance of the run has mail.
    const get = await fetchAt(0, { headers: { accept: 'text/event-stream', ...headers } })
    const waiting = await waitFor(1, taskId)
    await waiting.stream.until(({ params }) => params?.status === 'working')
    if (name === 'Redis') expect(await redis.admin.keys('*:task*')).not.toEqual([])
    expect((await fetchAt(2, { method: 'DELETE', headers })).status).toBe(204)
    await eventually(async () => aborted.length > 0 || undefined)
    expect(aborted).toEqual(['The session of the task has ended.'])
    expect((await ask(1, 'tasks/get', { taskId })).error).toBeDefined()
    await eventually(async () => endpoints.every((endpoint) => endpoint.stats().calls === 0) || undefined)
    if (name === 'Redis') await expect.poll(() => redis.admin.keys('*:task*'), { timeout: 20_000 }).toEqual([])
    await get.body?.cancel()
  })

  // What is in memory does not outlast its instance.
  test.runIf(name === 'Redis')(
    'a DELETE removes the tasks of a session whose end removed none, because its instance was lost',
    async () => {
      await open()
      const taskId = await start(0, 'notes')
      expect((await ask(1, 'tasks/result', { taskId })).result).toMatchObject(text('kept'))
      const store = STORES[name]?.() as Store
      await store.deleteSession(sessionKey('', headers['mcp-session-id'] ?? ''))
      await store.close()
      expect(await redis.admin.keys('*:task*')).not.toEqual([])
      expect((await fetchAt(2, { method: 'DELETE', headers })).status).toBe(404)
      await expect.poll(() => redis.admin.keys('*:task*'), { timeout: 20_000 }).toEqual([])
    },
  )
})
