/** Messages, ends and failures of streams while the start of their response still waits for the store. */

import { expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import type { EventPosition } from '../../lib/session/stream/event-id.ts'
import { SseResponse } from '../../lib/session/stream/sse-response.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { type Store, StoreUnavailable } from '../../lib/store/store.ts'
import { ManualClock, turn } from '../cluster/simulation.ts'
import { interceptedStore, type Step } from '../support/intercepted-store.ts'
import { ACCEPT_BOTH, EventReader } from '../support/raw.ts'
import { about } from '../support/spread.ts'

/** An endpoint with a session and one tool, which sends progress and then waits for `finish`. */
async function open(store: Store, protocolVersion: string) {
  const clock = new ManualClock()
  const finish = Promise.withResolvers<void>()
  const server = new McpServer({ name: 'response-start', version: '1' })
  server.registerTool('act', {}, async (ctx) => {
    await ctx.progress(1)
    await finish.promise
    return { content: [{ type: 'text', text: `done ${ctx.requestId}` }] }
  })
  const endpoint = createEndpoint(server, { clock, store, onError: () => {}, session: { responseLimit: 10_000 } })
  const headers: Record<string, string> = { 'content-type': 'application/json', accept: ACCEPT_BOTH }
  const send = async (message: unknown) =>
    endpoint.fetch(new Request('http://localhost/mcp', { method: 'POST', headers, body: JSON.stringify(message) }))
  const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'a', version: '1' } }
  const opened = await send({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
  headers['mcp-session-id'] = opened.headers.get('mcp-session-id') ?? ''
  const resume = async (lastEventId: string) =>
    endpoint.fetch(new Request('http://localhost/mcp', { headers: { ...headers, 'last-event-id': lastEventId } }))
  return { clock, endpoint, send, resume, finish: () => finish.resolve() }
}

const act = (id: number) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'act', arguments: {}, _meta: { progressToken: id } },
})

test('messages that wait for the response to begin have a bound; beyond it their senders wait until it begins', async () => {
  const response = new SseResponse({ key: 'k', primes: false, retry: 1_000 })
  const member = { n: 0 }
  response.add({ position: () => ({ stream: 's', n: member.n, tag: 't' }), drain: () => {}, abandoned: () => {} })
  response.begin()
  for (; member.n < 64 && !response.room; member.n++) response.message('x'.repeat(1024 * 1024))
  expect(member.n).toBe(1)
  const { room } = response
  const written: string[] = []
  response.attach({
    write: (text) => void written.push(text),
    takes: () => true,
    keeps: () => {},
    room: undefined,
    end: () => {},
  })
  await room
  expect(response.room).toBeUndefined()
  expect(written[0]?.match(/^id: /gm)).toHaveLength(1)
})

test('a response whose planned end comes before its start ends as it starts, and the client can resume', async () => {
  const barrier = Promise.withResolvers<void>()
  const store = memoryStore()
  const append: Step = async (proceed) => {
    const reply = await proceed()
    await barrier.promise
    return reply
  }
  const { clock, endpoint, send, resume, finish } = await open(interceptedStore({ append }, store), '2025-11-25')
  const answered = send(act(1))
  await turn()
  await clock.advance(6_000)
  barrier.resolve()
  const stream = new EventReader(await answered)
  expect(await stream.rest()).toEqual([])
  expect(stream.events.at(-1)?.retry).toEqual(about(1_000))
  const rest = new EventReader(await resume(stream.lastId ?? ''))
  finish()
  expect((await rest.rest()).map(({ method, id }) => method ?? id)).toEqual(['notifications/progress', 1])
  await endpoint.settled()
  expect(endpoint.stats()).toEqual({ connections: 0, calls: 0, unregistered: 0, owed: 0 })
})

test('a failed resume of one stream of a batch leaves no stream of the batch held', async () => {
  const barrier = Promise.withResolvers<void>()
  const store = memoryStore()
  const taken: { key: string; stream: string; after: EventPosition }[] = []
  const take: Step = async (proceed, key, stream, _holder, after) => {
    taken.push({ key: key as string, stream: stream as string, after: after as EventPosition })
    if (taken.length === 1) throw new StoreUnavailable('away')
    await barrier.promise
    return proceed()
  }
  const { endpoint, send, resume } = await open(interceptedStore({ take }, store), '2025-03-26')
  const stream = new EventReader(await send([act(1), act(2)]))
  await stream.until(({ params }) => params?.progressToken === 2)
  stream.drop()
  await turn()
  const refused = await resume(stream.lastId ?? '')
  expect(refused.status).toBe(503)
  barrier.resolve()
  await turn()
  expect(taken).toHaveLength(2)
  for (const { key, stream, after } of taken) {
    const reply = await store.take(key, stream, 'another:one', after)
    expect(reply).toMatchObject({ status: 'ok', previous: undefined })
  }
  expect(endpoint.stats().connections).toBe(0)
})
