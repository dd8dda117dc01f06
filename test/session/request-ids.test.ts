/**
 * Calls whose request id is in use, and calls beyond the limit of a session: a handler runs to its end, or it is never
 * called. Several instances share a store, in memory and in Redis.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import type { Context } from '../../lib/server/context/context.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { sessionKey } from '../../lib/session/stream/session.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { Store } from '../../lib/store/store.ts'
import { eventually } from '../support/eventually.ts'
import { interceptedStore } from '../support/intercepted-store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage, request, toolCall } from '../support/raw.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

/** What the handlers did, in order: a handler that is half-run begins and does not end. */
let effects: string[] = []
let gates: Map<string, () => void>
let endpoints: Endpoint[] = []
let base: Store

const server = new McpServer({ name: 'request-ids', version: '1' })
const gate = { type: 'object' as const, properties: { name: { type: 'string' as const } }, required: ['name'] }
async function pass(name: string, ctx: Context) {
  effects.push(`${name} begins`)
  ctx.signal.addEventListener('abort', () => effects.push(`${name} aborted`))
  await new Promise<void>((resolve) => gates.set(name, resolve))
  effects.push(`${name} ends`)
  return { content: [{ type: 'text' as const, text: name }] }
}
server.registerTool('quiet', { inputSchema: gate }, ({ name }, ctx) => pass(name as string, ctx))
server.registerTool('loud', { inputSchema: gate }, async ({ name }, ctx) => {
  await ctx.log('info', `${name as string} is loud`)
  return pass(name as string, ctx)
})

function start(kind: string, count: number, session: EndpointOptions['session'] = {}): void {
  effects = []
  gates = new Map()
  base = kind === 'memory' ? memoryStore() : redisStore(redis.url)
  // Closing one instance does not close the store of the others.
  const shared = () => interceptedStore({ close: async () => {} }, base as ReturnType<typeof memoryStore>)
  const options = { legacySse: true, session: { registerAfter: 5, ...session } }
  endpoints = Array.from({ length: count }, () => createEndpoint(server, { ...options, store: shared() }))
}

afterEach(async () => {
  for (const open of gates.values()) open()
  await Promise.all(endpoints.map((endpoint) => endpoint.close()))
  await base.close()
})

async function send(at: number, message: unknown, headers: Record<string, string> = {}, path = '/mcp') {
  const all = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...headers }
  const init = { method: 'POST', body: JSON.stringify(message), headers: all }
  return (endpoints[at % endpoints.length] as Endpoint).fetch(new Request(`http://localhost${path}`, init))
}

async function open(revision = '2025-11-25'): Promise<Record<string, string>> {
  const params = { protocolVersion: revision, capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const response = await send(0, request(1, 'initialize', params))
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
}

const call = (id: string | number, tool: string, name: string) => toolCall(id, tool, { name })
const begun = (name: string) => eventually(async () => (gates.has(name) ? true : undefined))
/** The store has so many calls of the session. */
const registered = (session: Record<string, string>, count: number) =>
  eventually(async () => {
    const calls = await base.calls(sessionKey('', session['mcp-session-id'] ?? ''))
    return calls.length >= count ? true : undefined
  })

async function answerOf(response: Response | Promise<Response>): Promise<RpcMessage | undefined> {
  const given = await response
  const isStream = given.headers.get('content-type') === 'text/event-stream'
  return isStream ? (await new EventReader(given).rest()).at(-1) : ((await given.json()) as RpcMessage)
}

describe.each([
  ['memory', 1],
  ['memory', 3],
  ['Redis', 1],
  ['Redis', 3],
])('with a store in %s and %i instances', (kind, count) => {
  test.each(['quiet', 'loud'])('calls with one id are all answered, each with its own result: %s', async (tool) => {
    start(kind, count)
    const session = await open()
    const names = ['a', 'b', 'c', 'd']
    const answers: Promise<RpcMessage | undefined>[] = []
    for (const [at, name] of names.entries()) {
      answers.push(answerOf(send(at, call(1, tool, name), session)))
      await begun(name)
    }
    await registered(session, names.length)
    for (const name of ['c', 'a', 'd', 'b']) gates.get(name)?.()
    const results = (await Promise.all(answers)).map((answer) => [answer?.id, answer?.result?.content[0].text])
    expect(results).toEqual(names.map((name) => [1, name]))
    expect(effects.filter((effect) => effect.endsWith('aborted'))).toEqual([])
    // Nothing is left behind: the next call with the id is cancelled and answered as any other.
    await Promise.all(endpoints.map((endpoint) => endpoint.settled()))
    expect(endpoints.map((endpoint) => endpoint.stats().calls)).toEqual(endpoints.map(() => 0))
  })

  test('calls with one id in a batch, and over HTTP+SSE, are all answered', async () => {
    start(kind, count)
    const session = await open('2025-03-26')
    const batch = answerOfAll(await sendAfter(() => send(0, [call(1, 'loud', 'a'), call(1, 'loud', 'b')], session)))
    await Promise.all([begun('a'), begun('b')])
    gates.get('b')?.()
    gates.get('a')?.()
    expect(textsOf(await batch)).toEqual(['a', 'b'])

    const stream = await (endpoints[0] as Endpoint).fetch(
      new Request('http://localhost/sse', { headers: { accept: 'text/event-stream' } }),
    )
    const reader = new EventReader(stream)
    const path = (await reader.next())?.data ?? ''
    for (const [at, name] of ['c', 'd'].entries()) {
      expect((await send(at, call(1, 'loud', name), {}, path)).status).toBe(202)
      await begun(name)
    }
    gates.get('d')?.()
    gates.get('c')?.()
    const found: string[] = []
    while (found.length < 2) {
      const message = await reader.message()
      if (message?.result) found.push(message.result.content[0].text)
    }
    expect(found.sort()).toEqual(['c', 'd'])
    reader.drop()
  })

  test('the cancel of an id that two calls have ends one of them, and the other is answered', async () => {
    start(kind, count)
    const session = await open()
    const first = answerOf(send(0, call(1, 'loud', 'a'), session))
    await begun('a')
    const second = answerOf(send(1, call(1, 'loud', 'b'), session))
    await begun('b')
    await registered(session, 2)
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }
    expect((await send(2, cancel, session)).status).toBe(202)
    const aborted = await eventually(async () => effects.find((effect) => effect.endsWith('aborted')))
    const other = aborted === 'a aborted' ? 'b' : 'a'
    gates.get(other)?.()
    const answers = [await first, await second].filter((answer) => answer?.id !== undefined)
    expect(answers.map((answer) => answer?.result?.content[0].text)).toEqual([other])
    expect(effects.filter((effect) => effect.endsWith('aborted'))).toEqual([aborted])
  })

  test('a call beyond the limit of its session is 429, and its handler is not called', async () => {
    start(kind, count, { maxCalls: 3, streamAfter: 600_000 })
    const session = await open()
    const running: Promise<RpcMessage | undefined>[] = []
    for (const [at, name] of ['a', 'b', 'c'].entries()) {
      // One id for all: the limit counts calls, not ids.
      running.push(answerOf(send(at, call(1, 'quiet', name), session)))
      await begun(name)
    }
    await registered(session, 3)
    for (const at of [0, 1, 2]) {
      const refused = await send(at, call(9, at === 1 ? 'loud' : 'quiet', 'late'), session)
      expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true])
      expect(await refused.json()).toMatchObject({ id: 9, error: { code: -32000 } })
    }
    expect(effects).toEqual(['a begins', 'b begins', 'c begins'])
    gates.get('b')?.()
    await running[1]
    const again = answerOf(send(2, call(1, 'quiet', 'd'), session))
    await begun('d')
    for (const name of ['a', 'c', 'd']) gates.get(name)?.()
    expect((await again)?.result?.content[0].text).toBe('d')
    expect((await Promise.all(running)).map((answer) => answer?.result?.content[0].text)).toEqual(['a', 'b', 'c'])
    expect(effects.filter((effect) => effect.endsWith('aborted'))).toEqual([])
  })

  test('calls that begin at once on several instances beyond the limit all end, and are counted', async () => {
    start(kind, count, { maxCalls: 2, streamAfter: 600_000 })
    const session = await open()
    const names = Array.from({ length: 10 }, (_, n) => `n${n}`)
    const answers = await Promise.all(
      names.map((name, at) => Promise.resolve(sendAfter(() => send(at, call(1, 'quiet', name), session)))),
    )
    // Of each instance at most as many as a session may have begin; the others are refused before that.
    await eventually(async () => {
      const begins = effects.filter((effect) => effect.endsWith('begins')).length
      return begins === 2 * count ? true : undefined
    })
    await registered(session, 2 * count)
    expect((await send(0, call(2, 'quiet', 'late'), session)).status).toBe(429)
    for (const name of names) gates.get(name)?.()
    const results = await Promise.all(answers.map(({ response }) => answerOf(response)))
    expect(results.filter((answer) => answer?.result)).toHaveLength(2 * count)
    expect(results.filter((answer) => answer?.error?.code === -32000)).toHaveLength(10 - 2 * count)
    expect(effects.filter((effect) => effect.endsWith('aborted'))).toEqual([])
  })
})

/** Begins to send, and does not wait for the response. */
async function sendAfter(begin: () => Promise<Response>): Promise<{ response: Promise<Response> }> {
  return { response: begin() }
}

async function answerOfAll({ response }: { response: Promise<Response> }): Promise<RpcMessage[]> {
  return (await new EventReader(await response).rest()).filter(({ method }) => method === undefined)
}

const textsOf = (answers: RpcMessage[]) => answers.map((answer) => answer.result?.content[0].text).sort()

test('the cancel of a call that has ended does not cancel the next call with the same id', async () => {
  const clock = new ManualClock()
  start('memory', 0)
  base = memoryStore({ clock })
  endpoints = [createEndpoint(server, { store: base, clock })]
  const session = await open()
  const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }
  await send(0, cancel, session)
  // Longer than any cancel overtakes its request, and within the time for which its mark is kept.
  await clock.advance(1_001)
  const answer = answerOf(send(0, call(1, 'quiet', 'a'), session))
  await begun('a')
  await clock.advance(100)
  gates.get('a')?.()
  expect((await answer)?.result?.content[0].text).toBe('a')
  // A cancel that overtakes its request by a moment still ends it.
  await send(0, { ...cancel, params: { requestId: 2 } }, session)
  const cancelled = answerOf(send(0, call(2, 'quiet', 'b'), session))
  await begun('b')
  await clock.advance(100)
  expect(await cancelled).toBeUndefined()
  expect(effects).toContain('b aborted')
  // It has ended that call, and ends no other.
  const next = answerOf(send(0, call(2, 'quiet', 'c'), session))
  await begun('c')
  await clock.advance(100)
  gates.get('c')?.()
  expect((await next)?.result?.content[0].text).toBe('c')
})
