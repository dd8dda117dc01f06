/** Cancels, streams and asks of a session affect that session only. Two instances in one process share a store. */
import { afterEach, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import type { Context } from '../../lib/server/context/context.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { ACCEPT_BOTH, EventReader } from '../support/raw.ts'

const opened: Endpoint[] = []
afterEach(async () => {
  for (const endpoint of opened.splice(0)) await endpoint.close()
})

/** Two instances with one tool, `wait`, which ends when the test finishes it or a client cancels it. */
function pair() {
  const server = new McpServer({ name: 'session-isolation', version: '1' })
  const running: { context: Context; finish: (text: string) => void; aborted: Promise<void> }[] = []
  let began: (() => void)[] = []
  server.registerTool('wait', {}, (context) => {
    const done = Promise.withResolvers<string>()
    const aborted = new Promise<void>((resolve) => {
      context.signal.addEventListener('abort', () => {
        resolve()
        done.resolve('aborted')
      })
    })
    running.push({ context, finish: done.resolve, aborted })
    for (const wake of began.splice(0)) wake()
    return done.promise.then((text) => ({ content: [{ type: 'text' as const, text }] }))
  })
  const store = memoryStore()
  const make = () => {
    const endpoint = createEndpoint(server, { store, session: { heartbeat: 0, drainTimeout: 10 } })
    opened.push(endpoint)
    return endpoint
  }
  const begun = async (n: number) => {
    while (running.length < n) await new Promise<void>((resolve) => began.push(resolve))
    began = []
    return running[n - 1] as (typeof running)[number]
  }
  return { a: make(), b: make(), begun }
}

async function send(endpoint: Endpoint, body: object, session?: string): Promise<Response> {
  return endpoint.fetch(
    new Request('http://localhost/mcp', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: ACCEPT_BOTH,
        ...(session !== undefined && { 'mcp-session-id': session }),
      },
      body: JSON.stringify(body),
    }),
  )
}

async function open(endpoint: Endpoint, protocolVersion = '2025-11-25'): Promise<string> {
  const params = { protocolVersion, capabilities: { elicitation: {} }, clientInfo: { name: 's', version: '1' } }
  const response = await send(endpoint, { jsonrpc: '2.0', id: 0, method: 'initialize', params })
  return response.headers.get('mcp-session-id') ?? ''
}

const wait = (id: number) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'wait', arguments: {} } })
const cancel = (requestId: number) => ({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } })

test('a cancel reaches the call of its own session only, also before the call is registered', async () => {
  const { a, begun } = pair()
  const [one, two] = [await open(a), await open(a)]
  const first = send(a, wait(1), one)
  const second = send(a, wait(1), two)
  const [mine, theirs] = [await begun(1), await begun(2)]
  await send(a, cancel(1), one)
  await mine.aborted
  expect(await new EventReader(await first).rest()).toEqual([])
  theirs.finish('untouched')
  expect(await (await second).text()).toContain('untouched')
})

test('a cancel on another instance before its call is registered is not lost', async () => {
  const { a, b, begun } = pair()
  const session = await open(a)
  await send(b, cancel(1), session)
  const answered = send(a, wait(1), session)
  await (await begun(1)).aborted
  expect(await new EventReader(await answered).rest()).toEqual([])
})

test('a stream begins with a priming event at its start and at each resume', async () => {
  const { a, b, begun } = pair()
  const session = await open(a)
  const answered = send(a, wait(1), session)
  const call = await begun(1)
  await call.context.log('info', 'one')
  const stream = new EventReader(await answered)
  expect(await stream.next()).toMatchObject({ data: '', id: expect.any(String) })
  await stream.message()
  const headers = { accept: 'text/event-stream', 'mcp-session-id': session, 'last-event-id': stream.lastId ?? '' }
  const resumed = new EventReader(await b.fetch(new Request('http://localhost/mcp', { headers })))
  expect(await resumed.next()).toMatchObject({ data: '', id: stream.lastId })
  call.finish('done')
  expect((await resumed.message())?.id).toBe(1)
})

test('an ask after the end of its call is rejected', async () => {
  const { a, begun } = pair()
  const session = await open(a)
  const answered = send(a, wait(1), session)
  const call = await begun(1)
  call.finish('done')
  await (await answered).text()
  await expect(call.context.elicit('Too late?', { type: 'object', properties: {} })).rejects.toThrow(/ended/)
})
