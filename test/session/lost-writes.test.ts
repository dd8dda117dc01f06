/** What a store forgets (a failover that loses writes), answers late or never had, between two steps of a call. */
import { afterEach, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import type { SessionOptions } from '../../lib/settings.ts'
import type { Append, ClaimReply } from '../../lib/store/calls.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { type Store, StoreUnavailable } from '../../lib/store/store.ts'
import { ManualClock, turn } from '../cluster/simulation.ts'
import { eventually } from '../support/eventually.ts'
import { interceptedStore, type Step } from '../support/intercepted-store.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage, request, toolCall } from '../support/raw.ts'
import { about } from '../support/spread.ts'
import { mortality, serverOfTwoRuns } from './dying-instance.ts'

type Steps = Partial<Record<keyof Store, Step>>

let endpoints: Endpoint[] = []
afterEach(async () => {
  await Promise.all(endpoints.map((endpoint) => endpoint.close()))
  endpoints = []
})

/** An instance on the shared store `base`, with its own faults in `steps`. Closing it does not close `base`. */
function start(server: McpServer, base: ReturnType<typeof memoryStore>, steps: Steps = {}, more: Options = {}) {
  const store = interceptedStore({ close: async () => {}, ...steps }, base)
  const endpoint = createEndpoint(server, { store, onError: () => {}, ...more })
  endpoints.push(endpoint)
  return endpoint
}
interface Options {
  clock?: ManualClock
  legacySse?: boolean
  session?: Partial<SessionOptions>
}

async function send(endpoint: Endpoint, path: string, headers: Record<string, string>, message?: object) {
  const accept = message === undefined ? 'text/event-stream' : ACCEPT_BOTH
  const init = {
    method: message === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json', accept, ...headers },
  }
  const body = message === undefined ? null : JSON.stringify(message)
  return endpoint.fetch(new Request(new URL(path, 'http://localhost'), { ...init, body }))
}

async function open(endpoint: Endpoint): Promise<Record<string, string>> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const response = await send(endpoint, '/mcp', {}, request(0, 'initialize', params))
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
}

const post = (endpoint: Endpoint, session: Record<string, string>, message: object) =>
  send(endpoint, '/mcp', session, message)
const resume = async (endpoint: Endpoint, session: Record<string, string>, id: string) =>
  new EventReader(await send(endpoint, '/mcp', { ...session, 'last-event-id': id }))

/** A session of HTTP+SSE: its one stream, and the path that its messages are posted to. */
async function openLegacy(endpoint: Endpoint) {
  const reader = new EventReader(await send(endpoint, '/sse', {}))
  const path = (await reader.next())?.data ?? ''
  const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'old', version: '1' } }
  await send(endpoint, path, {}, request(0, 'initialize', params))
  await reader.until(({ id }) => id === 0)
  return { reader, path }
}

/** Lets seconds pass one by one, so that what waits for a time can wait for the next one. */
async function passSeconds(clock: ManualClock, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    await clock.advance(1_000)
    await turn()
  }
}

/** A server whose one tool sends progress 1 to `steps`, each when `go` is called, and then its result. */
function stepping(steps: number) {
  const waiting: (() => void)[] = []
  let ready = 0
  const go = () => {
    const next = waiting.shift()
    if (next) next()
    else ready++
  }
  const server = new McpServer({ name: 'lost-writes', version: '1' })
  server.registerTool('step', { annotations: { readOnlyHint: true } }, async (ctx) => {
    for (let n = 1; n <= steps; n++) {
      if (ready > 0) ready--
      else await new Promise<void>((resolve) => waiting.push(resolve))
      await ctx.progress(n)
    }
    return { content: [{ type: 'text', text: 'stepped' }] }
  })
  return { server, go }
}
const step = (id: string) => toolCall(id, 'step', {}, { progressToken: 'p' })

/** The store confirms entry `n` and then forgets it, as a failover does that comes before the entry was copied. */
function losing(n: number, base: Store): Step {
  let lost = false
  return async (proceed, key, given) => {
    const { from, register } = given as Append
    if (from !== n || lost) return proceed()
    lost = true
    if (register) await base.register(key as string, register)
    const calls = await base.calls(key as string)
    return { status: 'ok', end: n, holder: calls[0]?.holder, level: undefined, held: 0 }
  }
}

/** A call of `steps` steps, the first of which is done. The store loses entry `lost` of its log. */
async function losingCall(steps: number, lost: number) {
  const { server, go } = stepping(steps)
  const base = memoryStore()
  const endpoint = start(server, base, { append: losing(lost, base) })
  const session = await open(endpoint)
  const answered = post(endpoint, session, step('c'))
  go()
  return { endpoint, session, go, stream: new EventReader(await answered) }
}

/** A call of {@link serverOfTwoRuns} whose client has the first message, with the id of its event. */
async function callOf(endpoint: Endpoint) {
  const headers = await open(endpoint)
  const stream = new EventReader(await post(endpoint, headers, toolCall('c', 'look', {}, { progressToken: 'p' })))
  const { id = '' } = await stream.until(({ params }) => params?.progress === 1)
  return { headers, stream, id }
}

/**
 * The client of such a call comes back to a second instance, which has these steps, after the first one has died. `session`:
 * further options of the sessions of both.
 */
async function comesBack(name: string, steps: Steps, session: Partial<SessionOptions> = {}) {
  const server = serverOfTwoRuns(name)
  const base = memoryStore()
  const { alive, kill } = mortality()
  const options = { session: { lease: 600, heartbeat: 200, ...session } }
  const first = start(server, base, { alive }, options)
  const second = start(server, base, { alive, ...steps }, options)
  const { headers, stream, id } = await callOf(first)
  kill(first.instanceId)
  const waiting = await resume(second, headers, id)
  return { stream, waiting, again: () => resume(second, headers, id) }
}

/** A step that counts how often the store has replied. */
function counted() {
  let count = 0
  const step: Step = async (proceed) => {
    const reply = await proceed()
    count++
    return reply
  }
  return { step, count: () => count }
}

test('of two connections that come back for a call of a dead instance, the second one waits for the run that the first began', async () => {
  const claimed = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const readLog: Step = async (proceed) => {
    claimed.resolve()
    await goOn.promise
    return proceed()
  }
  const looks = counted()
  const { stream, waiting: before, again } = await comesBack('lost-writes', { readLog, look: looks.step })
  await claimed.promise
  // The store has this instance as the owner of the call, whose second run has not begun.
  const after = await again()
  const seen = looks.count()
  await eventually(async () => looks.count() > seen || undefined)
  goOn.resolve()
  const { message } = await after.until((one) => one.id === 'c')
  expect(message?.result?.content[0].text).toBe('run 2')
  for (const reader of [stream, before, after]) reader.drop()
})

test('a connection that hears of a claimed run a moment before it begins does not take the call from it', async () => {
  const claimed = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const readLog: Step = async (proceed) => {
    const log = await proceed()
    claimed.resolve()
    await goOn.promise
    return log
  }
  const claims = counted()
  let hold = false
  const look: Step = async (proceed) => {
    const reply = await proceed()
    // The connection reads this reply first, and then the run begins, before anything else is loaded or asked.
    if (hold) goOn.resolve()
    return reply
  }
  const { stream, waiting } = await comesBack('claimed', { claim: claims.step, readLog, look })
  await claimed.promise
  hold = true
  const { message } = await waiting.until((one) => one.id === 'c')
  expect(message?.result?.content[0].text).toBe('run 2')
  expect(claims.count()).toBe(1)
  for (const reader of [stream, waiting]) reader.drop()
})

test('a run that fails after a takeover is not run again while its end is on the way to the store', async () => {
  const ending = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  let full = false
  const append: Step = async (proceed, _key, given) => {
    const { final, messages, from } = given as Append
    if (full && messages.length === 1 && from === 1 && final) {
      ending.resolve()
      await goOn.promise
      full = false
    }
    if (full) throw new StoreUnavailable('no memory', { trouble: 'full' })
    return proceed()
  }
  let claims = 0
  const claim: Step = async (proceed) => {
    full = true
    const reply = (await proceed()) as ClaimReply
    if (reply.status === 'ok') claims++
    return reply
  }
  const looks = counted()
  const session = { heartbeat: 100, storePatience: 100 }
  const { stream, waiting } = await comesBack('failing', { claim, append, look: looks.step }, session)
  await ending.promise
  // The store still has the failed run as the owner, and the connection reads that.
  const seen = looks.count()
  await eventually(async () => looks.count() > seen + 2 || undefined)
  goOn.resolve()
  const { message } = await waiting.until((one) => one.id === 'c')
  expect(message?.error?.message).toContain('The store is full')
  expect(claims).toBe(1)
  for (const reader of [stream, waiting]) reader.drop()
})

const show = ({ params, id }: RpcMessage) => params?.data ?? params?.progress ?? id

describe('where a failover loses an entry of a log', () => {
  test('a client that had the entry is told when it comes back, and gets no message of the same number for it', async () => {
    const { endpoint, session, go, stream } = await losingCall(3, 2)
    await stream.until(({ params }) => params?.progress === 1)
    go()
    await stream.until(({ params }) => params?.progress === 2)
    go()
    expect(await stream.rest()).toEqual([])
    // Soon, and not as late as a client whose stream another connection has.
    expect(stream.events.at(-1)).toEqual({ retry: about(1_000) })
    const back = await resume(endpoint, session, stream.lastId ?? '')
    expect(await back.rest()).toEqual([
      { jsonrpc: '2.0', id: 'c', error: { code: -32603, message: expect.stringContaining('no longer available') } },
    ])
    // A client that waits for more of a batch, such as the answer to a call that it has cancelled, does not get the error again.
    const again = await send(endpoint, '/mcp', { ...session, 'last-event-id': back.lastId ?? '' })
    expect(again.status).toBe(405)
  })

  test('a client that had the response is not given an error for it when it comes back', async () => {
    const { endpoint, session, stream } = await losingCall(1, 2)
    await stream.until(({ id }) => id === 'c')
    const back = await send(endpoint, '/mcp', { ...session, 'last-event-id': stream.lastId ?? '' })
    expect(back.status).toBe(405)
  })

  test('a client that comes back without the entry gets a warning in its place', async () => {
    const { endpoint, session, go, stream } = await losingCall(3, 1)
    const first = await stream.next()
    stream.drop()
    go()
    go()
    const rest = await resume(endpoint, session, first?.id ?? '')
    expect((await rest.rest()).map(show)).toEqual(['Messages were missed on this stream.', 2, 3, 'c'])
  })

  test('its number is given again, and the message of that number is relayed (HTTP+SSE)', async () => {
    const { server, go } = stepping(3)
    const base = memoryStore()
    const endpoint = start(server, base, { append: losing(1, base) }, { legacySse: true })
    const { reader, path } = await openLegacy(endpoint)
    await send(endpoint, path, {}, step('c'))
    go()
    await reader.until(({ params }) => params?.progress === 1)
    go()
    await reader.until(({ params }) => params?.progress === 2)
    go()
    await reader.until(({ id }) => id === 'c')
    const messages = reader.events.flatMap(({ message }) => message ?? [])
    expect(messages.map(show)).toEqual([0, 1, 'Messages were missed on this stream.', 2, 3, 'c'])
    reader.drop()
  })
})

test('a message of HTTP+SSE that a failover gives the number of a lost one is not taken for that one', async () => {
  const { server, go } = stepping(3)
  const base = memoryStore()
  let holder = ''
  const take: Step = (proceed, _key, _stream, given) => {
    holder = String(given)
    return proceed()
  }
  // The store confirms the second message of the session, and then forgets it.
  const post: Step = async (proceed, _key, _stream, data) =>
    String(data).includes('"progress":1') ? { status: 'ok', n: 2, holder, held: 0, heldFor: 0 } : proceed()
  const endpoint = start(server, base, { take, post }, { legacySse: true })
  const { reader, path } = await openLegacy(endpoint)
  await send(endpoint, path, {}, step('c'))
  go()
  await reader.until(({ params }) => params?.progress === 1)
  go()
  // The stream cannot go on as if nothing was missing: it ends, and the client opens a new session.
  expect((await reader.rest()).map(show)).toEqual([])
})

test('a heartbeat between the last step of a call of HTTP+SSE and its delivery does not take the call for lost', async () => {
  const clock = new ManualClock()
  const { server, go } = stepping(1)
  const relaying = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  let relayed = false
  const relay: Step = async (proceed, _key, _stream, data) => {
    if (relayed || !String(data).includes('stepped')) return proceed()
    relayed = true
    relaying.resolve()
    await goOn.promise
    throw new StoreUnavailable('for a moment')
  }
  let looks = 0
  const lookCall: Step = async (proceed) => {
    looks++
    return proceed()
  }
  const session = { lease: 3_000, heartbeat: 1_000 }
  const endpoint = start(server, memoryStore(), { post: relay, lookCall }, { clock, legacySse: true, session })
  const { reader, path } = await openLegacy(endpoint)
  await send(endpoint, path, {}, step('c'))
  await clock.advance(2_000)
  // The call has heartbeats while it runs.
  expect(looks).toBeGreaterThan(0)
  go()
  await relaying.promise
  await clock.advance(5_000)
  goOn.resolve()
  await turn()
  await clock.advance(1_000)
  const { message } = await reader.until(({ id }) => id === 'c')
  expect(message?.result?.content[0].text).toBe('stepped')
  await turn()
  expect(reader.events.filter(({ message }) => message?.id === 'c')).toHaveLength(1)
  reader.drop()
})

test('a response of HTTP+SSE whose relay the store does not confirm is the only one, though the call is given up', async () => {
  const clock = new ManualClock()
  const { server, go } = stepping(1)
  const base = memoryStore()
  let refused = 0
  let confirms = false
  // The store has the response, and its reply does not arrive until the call is given up.
  const post: Step = async (proceed, _key, _stream, data) => {
    const reply = await proceed()
    if (confirms || !String(data).includes('stepped')) return reply
    refused++
    throw new StoreUnavailable('full', { trouble: 'full' })
  }
  const session = { lease: 3_000, heartbeat: 1_000 }
  const endpoint = start(server, base, { post }, { clock, legacySse: true, session })
  const { reader, path } = await openLegacy(endpoint)
  await send(endpoint, path, {}, step('c'))
  go()
  await eventually(async () => refused > 0 || undefined)
  await passSeconds(clock, 5)
  confirms = true
  await clock.advance(5_000)
  await turn()
  await send(endpoint, path, {}, request('after', 'ping'))
  await reader.until(({ id }) => id === 'after')
  expect(refused).toBeGreaterThan(1)
  const responses = reader.events.filter(({ message }) => message?.id === 'c')
  expect(responses.map(({ message }) => message?.result?.content[0].text)).toEqual(['stepped'])
  reader.drop()
})

test('a call of HTTP+SSE that is given up because a message cannot be relayed sends none of those that follow it', async () => {
  const clock = new ManualClock()
  const server = new McpServer({ name: 'burst', version: '1' })
  server.registerTool('burst', { annotations: { readOnlyHint: true } }, async (ctx) => {
    await Promise.all([1, 2, 3, 4].map((n) => ctx.progress(n)))
    await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
    return { content: [] }
  })
  let refused = 0
  const post: Step = async (proceed, _key, _stream, data) => {
    if (!String(data).includes('"progress":2')) return proceed()
    refused++
    throw new StoreUnavailable('full', { trouble: 'full' })
  }
  const session = { lease: 3_000, heartbeat: 1_000 }
  const endpoint = start(server, memoryStore(), { post }, { clock, legacySse: true, session })
  const { reader, path } = await openLegacy(endpoint)
  await send(endpoint, path, {}, toolCall('c', 'burst', {}, { progressToken: 'p' }))
  await eventually(async () => refused > 0 || undefined)
  await passSeconds(clock, 5)
  const { message } = await reader.until(({ id }) => id === 'c')
  expect(message?.error?.message).toBe('The store is full; the call was given up.')
  await send(endpoint, path, {}, request('after', 'ping'))
  await reader.until(({ id }) => id === 'after')
  const progress = reader.events.flatMap(({ message }) => message?.params?.progress ?? [])
  expect(progress).toEqual([1])
  reader.drop()
})

test('a call that is cancelled before the store has it leaves no event id by which its client could ask for it', async () => {
  const clock = new ManualClock()
  const { server, go } = stepping(2)
  const registering = Promise.withResolvers<void>()
  const away = Promise.withResolvers<never>()
  const append: Step = async () => {
    registering.resolve()
    return away.promise
  }
  const register = append
  const endpoint = start(server, memoryStore(), { append, register }, { clock })
  const session = await open(endpoint)
  const answered = post(endpoint, session, step('c'))
  go()
  await registering.promise
  await post(endpoint, session, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'c' } })
  away.reject(new StoreUnavailable('for a moment'))
  await turn()
  await clock.advance(1_000)
  const response = await answered
  const stream = new EventReader(response)
  expect(await stream.rest()).toEqual([])
  expect(stream.events.map(({ id }) => id)).toEqual([])
})

test('a polled GET stream waits for changes from when it has delivered those that were there', async () => {
  const clock = new ManualClock()
  const advancing = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const advance: Step = async (proceed) => {
    advancing.resolve()
    await goOn.promise
    return proceed()
  }
  const session = { getPolicy: 'poll', pollWait: 500 } as const
  const endpoint = start(stepping(1).server, memoryStore(), { advance }, { clock, session })
  const headers = await open(endpoint)
  await turn()
  await endpoint.notify.toolsChanged()
  const stream = new EventReader(await send(endpoint, '/mcp', headers))
  await advancing.promise
  await clock.advance(5_000)
  goOn.resolve()
  await stream.until(({ method }) => method === 'notifications/tools/list_changed')
  await clock.advance(500)
  expect(await stream.rest()).toEqual([])
})

test('a subscription whose mail is lost is found by the heartbeat of the stream, also where it is the first one', async () => {
  const clock = new ManualClock()
  const server = new McpServer({ name: 'lost-mail', version: '1' })
  server.registerResource('note', 'note://1', {}, async () => ({ contents: [{ uri: 'note://1', text: 'n' }] }))
  const base = memoryStore()
  const session = { lease: 3_000, heartbeat: 1_000 }
  let lost = 0
  const losing: Step = async (proceed, _instance, message) => {
    if (!String(message).includes('subscription')) return proceed()
    lost++
    return undefined
  }
  const first = start(server, base, {}, { clock, session })
  const second = start(server, base, { send: losing }, { clock, session })
  const headers = await open(first)
  const stream = new EventReader(await send(first, '/mcp', headers))
  await turn()
  const subscribed = await post(second, headers, request(1, 'resources/subscribe', { uri: 'note://1' }))
  expect(await subscribed.json()).toMatchObject({ result: {} })
  await turn()
  expect(lost).toBe(1)
  for (let i = 0; i < 3; i++) {
    await clock.advance(1_000)
    await turn()
  }
  await second.notify.resourceUpdated('note://1')
  await clock.advance(1_000)
  const { message } = await stream.until(({ method }) => method === 'notifications/resources/updated')
  expect(message?.params).toEqual({ uri: 'note://1' })
  stream.drop()
})

test('HTTP+SSE: a session that is lost while its stream opens is 503, since another try opens a new one', async () => {
  const base = memoryStore()
  let loses = true
  const take: Step = async (proceed, key) => {
    if (loses) await base.deleteSession(String(key))
    loses = false
    return proceed()
  }
  const endpoint = start(new McpServer({ name: 's', version: '1' }), base, { take }, { legacySse: true })
  const refused = await send(endpoint, '/sse', {})
  expect(refused.status).toBe(503)
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
  const reader = new EventReader(await send(endpoint, '/sse', {}))
  expect((await reader.next())?.event).toBe('endpoint')
  reader.drop()
})
