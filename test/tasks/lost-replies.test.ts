/** Replies of the store about tasks that do not arrive: a claim is had by the run that sent it, or given back. */
import { describe, expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { type Store, StoreUnavailable } from '../../lib/store/store.ts'
import type { TaskStore, TaskTerms } from '../../lib/store/tasks.ts'
import { nameOf } from '../../lib/tasks/names.ts'
import { redisFixture } from '../store/redis-fixture.ts'
import { interceptedStore } from '../support/intercepted-store.ts'

const HELD: TaskTerms = { lease: 60_000, backOff: [0], patience: 60_000 }
const NEW = { owner: undefined, request: '{}', ttl: 60_000, poll: 2_000, retries: 1 }
const asks = { kind: 'input', asks: [{ key: 'k', ask: 'd', request: '{"key":"k","method":"ping"}' }] } as const
const answers = new Map([['k', '1']])

describe('a connection to Redis that is cut before the reply', () => {
  const f = redisFixture()

  /** The tasks of a store behind the proxy, whose scripts Redis has. */
  async function open(): Promise<{ tasks: TaskStore; key: { scope: string; id: string } }> {
    const tasks = (await f.open({ url: f.proxy.url }).tasks?.()) as TaskStore
    const key = { scope: 'lost', id: 'task' }
    await tasks.create(key, NEW, HELD)
    await tasks.get(key, HELD)
    await tasks.update(key, new Map(), HELD, 'enqueue')
    return { tasks, key }
  }

  test('get: the claim is sent again, and is the claim of the same run', async () => {
    const { tasks, key } = await open()
    const lost = f.proxy.loseReply()
    expect(await tasks.get(key, HELD, { owner: 'i:a' })).toMatchObject({ claim: { leg: 1, attempt: 1 } })
    await lost
    expect(await tasks.get(key, HELD, { owner: 'i:b' })).not.toHaveProperty('claim')
    expect(await tasks.end(key, 'i:a', { kind: 'completed', outcome: '{"result":{}}' }, HELD)).toMatchObject({
      status: 'ok',
    })
  })

  test('update: so are the answers', async () => {
    const { tasks, key } = await open()
    await tasks.get(key, HELD, { owner: 'i:a' })
    await tasks.end(key, 'i:a', asks, HELD)
    const lost = f.proxy.loseReply()
    expect(await tasks.update(key, answers, HELD, { owner: 'i:b' })).toMatchObject({
      ...{ status: 'ok', view: { status: 'working' } },
      claim: { leg: 2, attempt: 1, asks: new Map([['k', { ask: 'd', value: '1' }]]) },
    })
    await lost
    expect(await tasks.update(key, answers, HELD, { owner: 'i:c' })).not.toHaveProperty('claim')
  })

  test('cancel: it is the cancel of the same request, and names the run that it ended', async () => {
    const { tasks, key } = await open()
    await tasks.cancel({ ...key, id: 'none' })
    await tasks.get(key, HELD, { owner: 'i:a' })
    const lost = f.proxy.loseReply()
    expect(await tasks.cancel(key)).toMatchObject({ status: 'ok', view: { status: 'cancelled' }, owner: 'i:a' })
    await lost
    expect(await tasks.cancel(key)).toMatchObject({ status: 'over' })
  })
})

/** An endpoint on `base` that loses the reply of one operation on tasks, once. */
function losing(base: Store, operation: keyof TaskStore) {
  const lost = Promise.withResolvers<void>()
  let left = 1
  const store = interceptedStore(
    {
      close: async () => {},
      tasks: async (proceed) => {
        const tasks = (await proceed()) as TaskStore
        const replaced = async (...args: unknown[]) => {
          const reply = await (tasks[operation] as (...given: unknown[]) => Promise<unknown>)(...args)
          if (left-- <= 0) return reply
          lost.resolve()
          throw new StoreUnavailable('No reply.')
        }
        return { ...tasks, [operation]: replaced }
      },
    },
    base as ReturnType<typeof memoryStore>,
  )
  const server = new McpServer({ name: 'losing', version: '1' })
  server.registerTool('quick', { task: 'required', durable: true }, () => ({
    content: [{ type: 'text', text: 'done' }],
  }))
  return { endpoint: createEndpoint(server, { store, onError: () => {}, allowedHosts: '*' }), lost: lost.promise }
}

const PREFIX = 'io.modelcontextprotocol/'
const meta = {
  [`${PREFIX}protocolVersion`]: '2026-07-28',
  [`${PREFIX}clientCapabilities`]: { extensions: { [`${PREFIX}tasks`]: {} } },
}
function call(endpoint: ReturnType<typeof losing>['endpoint']): Promise<Response> {
  const headers = {
    ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'quick' },
  }
  const params = { name: 'quick', arguments: {}, _meta: meta }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  return endpoint.fetch(new Request('http://localhost/mcp', { method: 'POST', headers, body })) as Promise<Response>
}

describe('a store that does not say whether it took the step', () => {
  test('a leg that may have been claimed is given back, so that the next poll takes it', async () => {
    const base = memoryStore()
    const { endpoint, lost } = losing(base, 'get')
    const tasks = (await base.tasks?.()) as TaskStore
    const key = { scope: 'claimed', id: 'task' }
    const request = {
      ...{ method: 'tools/call', params: { name: 'quick', arguments: {} }, requestId: 1, revision: '2026-07-28' },
      ...{ client: { capabilities: {}, info: undefined }, principal: '' },
    }
    await tasks.create(key, { ...NEW, request: JSON.stringify(request) }, HELD)
    await expect(endpoint.runTask({ task: nameOf(key), leg: 1 })).rejects.toThrow('No reply')
    await lost
    // It has no owner any more, and counts as no loss.
    expect(await tasks.get(key, HELD, { owner: 'i:b' })).toMatchObject({ claim: { leg: 1, attempt: 1 } })
    await endpoint.close()
  })

  test('a task that may have been made, and whose name no client has, is cancelled', async () => {
    const base = memoryStore()
    const tasks = (await base.tasks?.()) as TaskStore
    const made: Parameters<TaskStore['create']>[0][] = []
    const { create } = tasks
    tasks.create = (key, ...rest) => {
      made.push(key)
      return create(key, ...rest)
    }
    const { endpoint, lost } = losing(base, 'create')
    expect((await call(endpoint)).status).toBe(503)
    await lost
    const [key] = made
    if (!key) throw new Error('No task was made.')
    await expect.poll(async () => tasks.get(key, HELD)).toMatchObject({ view: { status: 'cancelled' } })
    await endpoint.close()
  })
})
