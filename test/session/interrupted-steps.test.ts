/**
 * Faults and steps of other instances between two steps of one instance. Several instances in one process share a
 * store.
 */
import { afterEach, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { AutoProgress } from '../../lib/session/call/progress.ts'
import type { SessionOptions } from '../../lib/settings.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { type ChangeEntry, type Receiver, type Store, StoreUnavailable } from '../../lib/store/store.ts'
import { eventually } from '../support/eventually.ts'
import { interceptedStore, type Step } from '../support/intercepted-store.ts'
import { ACCEPT_BOTH, EventReader, request, toolCall } from '../support/raw.ts'
import { mortality, serverOfTwoRuns } from './dying-instance.ts'

let endpoints: Endpoint[] = []
afterEach(async () => {
  await Promise.all(endpoints.map((endpoint) => endpoint.close()))
  endpoints = []
})

/** An instance on the shared store `base`, with its own faults in `steps`. Closing it does not close `base`. */
function start(
  server: McpServer,
  base: Store,
  steps: Partial<Record<keyof Store, Step>>,
  session?: Partial<SessionOptions>,
) {
  const store = interceptedStore({ close: async () => {}, ...steps }, base as ReturnType<typeof memoryStore>)
  const endpoint = createEndpoint(server, { store, session, onError: () => {} })
  endpoints.push(endpoint)
  return endpoint
}

function send(
  endpoint: Endpoint,
  method: string,
  headers: Record<string, string>,
  message?: object,
): Promise<Response> {
  const accept = method === 'GET' ? 'text/event-stream' : ACCEPT_BOTH
  const init = { method, headers: { 'content-type': 'application/json', accept, ...headers } }
  const body = message === undefined ? null : JSON.stringify(message)
  return Promise.resolve(endpoint.fetch(new Request('http://localhost/mcp', { ...init, body })))
}

async function open(endpoint: Endpoint): Promise<Record<string, string>> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const response = await send(endpoint, 'POST', {}, request(0, 'initialize', params))
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
}

const listen = async (endpoint: Endpoint, headers: Record<string, string>) =>
  new EventReader(await send(endpoint, 'GET', headers))

test('a call whose takeover fails after the claim is taken over by another instance', async () => {
  const server = serverOfTwoRuns('interrupted-steps')
  const base = memoryStore()
  const { alive, kill } = mortality()
  let failed = 0
  const readLog: Step = async () => {
    failed++
    throw new StoreUnavailable('for a moment')
  }
  const timing = { lease: 600, heartbeat: 200 }
  const first = start(server, base, { alive }, timing)
  const second = start(server, base, { alive, readLog }, timing)
  const third = start(server, base, { alive }, timing)
  const session = await open(first)
  const stream = new EventReader(await send(first, 'POST', session, toolCall('c', 'look', {}, { progressToken: 'p' })))
  const { id = '' } = await stream.until(({ params }) => params?.progress === 1)
  kill(first.instanceId)
  // The stream of another client keeps the second instance, and so its claim, alive.
  const other = await listen(second, await open(second))
  const half = await listen(second, { ...session, 'last-event-id': id })
  await eventually(async () => failed > 0 || undefined)
  half.drop()
  const whole = await listen(third, { ...session, 'last-event-id': id })
  const { message } = await whole.until((one) => one.id === 'c')
  expect(message?.result.content[0].text).toBe('run 2')
  for (const reader of [stream, other, whole]) reader.drop()
})

test('changes beyond the log are announced to the first stream that missed them, and to no later stream', async () => {
  const server = new McpServer({ name: 'interrupted-steps', version: '1' })
  const endpoint = start(server, memoryStore({ changes: 2 }), {}, { getPolicy: 'poll', pollWait: 20 })
  const session = await open(endpoint)
  // A session begins to receive changes at its creation time, which has a resolution of 1 ms.
  const began = Date.now()
  await eventually(async () => Date.now() > began || undefined)
  for (let n = 0; n < 5; n++) await endpoint.notify.toolsChanged()
  const announced = async () => (await (await listen(endpoint, session)).rest()).map(({ method }) => method)
  expect(await announced()).toEqual([
    'notifications/message',
    'notifications/tools/list_changed',
    'notifications/prompts/list_changed',
    'notifications/resources/list_changed',
  ])
  expect(await announced()).toEqual([])
  await endpoint.notify.promptsChanged()
  expect(await announced()).toEqual(['notifications/prompts/list_changed'])
})

test('an update that a new GET stream both reads from the store and receives as an event is sent once', async () => {
  const [one, two] = ['test://1', 'test://2']
  const server = new McpServer({ name: 'interrupted-steps', version: '1' })
  server.registerResource('one', one, {}, () => ({ contents: [] }))
  server.registerResource('two', two, {}, () => ({ contents: [] }))
  const base = memoryStore()
  let deliverLate = () => {}
  // Reads and events use two connections to the store: the second change is read before its event arrives.
  const receive: Step = (_proceed, id, given) => {
    const receiver = given as Receiver
    const change = (entry: ChangeEntry) => {
      if (entry.change.kind !== 'updated' || entry.change.uri !== two) return receiver.change(entry)
      deliverLate = () => receiver.change(entry)
    }
    return base.receive(id as string, { ...receiver, change }) as Promise<unknown>
  }
  let begun = false
  const changesAfter: Step = async (proceed) => {
    if (begun) return proceed()
    begun = true
    await base.publish({ kind: 'updated', uri: one })
    await base.publish({ kind: 'updated', uri: two })
    return proceed()
  }
  const endpoint = start(server, base, { receive, changesAfter })
  const session = await open(endpoint)
  const began = Date.now()
  await eventually(async () => Date.now() > began || undefined)
  for (const uri of [one, two]) await send(endpoint, 'POST', session, request(uri, 'resources/subscribe', { uri }))
  const subscribed = Date.now()
  await eventually(async () => Date.now() > subscribed || undefined)
  const get = await listen(endpoint, session)
  await get.until(({ params }) => params?.uri === two)
  deliverLate()
  await endpoint.notify.resourceUpdated(one)
  const uris: string[] = []
  while (uris.length === 0) {
    const { message } = await get.until(({ method }) => method === 'notifications/resources/updated')
    uris.push(message?.params.uri)
  }
  expect(uris).toEqual([one])
  expect(get.events.filter(({ message }) => message?.params?.uri === two)).toHaveLength(1)
  get.drop()
})

test('closeStream closes a resumed stream again although no message was sent since', async () => {
  const barriers = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
  const server = new McpServer({ name: 'interrupted-steps', version: '1' })
  server.registerTool('close', {}, async (ctx) => {
    await ctx.progress(1)
    ctx.closeStream(10)
    await barriers[0].promise
    ctx.closeStream(10)
    await barriers[1].promise
    return { content: [{ type: 'text', text: 'done' }] }
  })
  const base = memoryStore()
  const [first, second] = [start(server, base, {}), start(server, base, {})]
  const session = await open(first)
  const stream = new EventReader(await send(first, 'POST', session, toolCall('c', 'close', {}, { progressToken: 'p' })))
  expect((await stream.rest()).map(({ method }) => method)).toEqual(['notifications/progress'])
  const again = await listen(second, { ...session, 'last-event-id': stream.lastId ?? '' })
  barriers[0].resolve()
  expect(await again.rest()).toEqual([])
  barriers[1].resolve()
  const last = await listen(first, { ...session, 'last-event-id': again.lastId ?? '' })
  expect((await last.rest()).map(({ id }) => id)).toEqual(['c'])
})

test.each([[null], [1.5], [{}], [['a']], [true]])('a progress token %j is ignored', (progressToken) => {
  const message = { ...toolCall('c', 'x', {}), method: 'tools/call', params: { name: 'x', _meta: { progressToken } } }
  expect(new AutoProgress(message as never, undefined).wanted).toBe(false)
})

/** A tool that waits for `proceed`, then logs and returns in the same turn. */
function slowTool(proceed: Promise<void>) {
  const server = new McpServer({ name: 'interrupted-steps', version: '1' })
  server.registerTool('log', { annotations: { readOnlyHint: true } }, async (ctx) => {
    await proceed
    void ctx.log('info', 'almost done')
    return { content: [{ type: 'text', text: 'done' }] }
  })
  return server
}

test('a registration that is repeated after its reply was lost does not refuse the call that it registered', async () => {
  const proceed = Promise.withResolvers<void>()
  const registering = Promise.withResolvers<void>()
  const repeat = Promise.withResolvers<void>()
  const register: Step = async (run) => {
    await run()
    registering.resolve()
    await repeat.promise
    // The client library sends the command again.
    return run()
  }
  // The reply to an append is lost with that to the registration, and comes after it.
  const append: Step = async (run) => {
    await run()
    await repeat.promise
    await new Promise((resolve) => setImmediate(resolve))
    return run()
  }
  const endpoint = start(slowTool(proceed.promise), memoryStore(), { register, append })
  const headers = await open(endpoint)
  const response = send(endpoint, 'POST', headers, toolCall(1, 'log', {}))
  await registering.promise
  proceed.resolve()
  // The handler is done before the repeat arrives.
  await new Promise((resolve) => setImmediate(resolve))
  repeat.resolve()
  const messages = await new EventReader(await response).rest()
  expect(messages.map(({ method, result }) => method ?? result.content[0].text)).toEqual([
    'notifications/message',
    'done',
  ])
})

test('a call that is given up while its registration fails answers its POST, and leaves nothing behind', async () => {
  const failed = Promise.withResolvers<void>()
  const register: Step = async () => {
    await failed.promise
    throw new StoreUnavailable('away')
  }
  const never = new Promise<void>(() => {})
  const endpoint = start(slowTool(never), memoryStore(), { register }, { streamAfter: 60, drainTimeout: 0 })
  const headers = await open(endpoint)
  const response = send(endpoint, 'POST', headers, toolCall(1, 'log', {}))
  await eventually(async () => (endpoint.stats().connections === 1 ? true : undefined))
  const closed = endpoint.close()
  failed.resolve()
  // The stream may pause before its response: the client comes back for that.
  expect(await (await response).text()).toContain('retry: ')
  await closed
  expect(endpoint.stats()).toEqual({ connections: 0, calls: 0, unregistered: 0, owed: 0 })
})

test('a cancel that the store has counts, also where the reply to the registration was lost', async () => {
  const proceed = Promise.withResolvers<void>()
  const registered = Promise.withResolvers<void>()
  const lost = Promise.withResolvers<void>()
  const register: Step = async (run) => {
    await run()
    registered.resolve()
    await lost.promise
    throw new StoreUnavailable('the reply was lost')
  }
  const server = new McpServer({ name: 'interrupted-steps', version: '1' })
  server.registerTool('wait', {}, async () => {
    await proceed.promise
    return { content: [{ type: 'text', text: 'done' }] }
  })
  const base = memoryStore()
  const first = start(server, base, { register })
  // Mail may be lost.
  const second = start(server, base, { send: async () => {} })
  const headers = await open(first)
  const response = send(first, 'POST', headers, toolCall(1, 'wait', {}))
  await registered.promise
  const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }
  expect((await send(second, 'POST', headers, cancel)).status).toBe(202)
  proceed.resolve()
  await new Promise((resolve) => setImmediate(resolve))
  lost.resolve()
  expect(await (await response).text()).not.toContain('done')
})
