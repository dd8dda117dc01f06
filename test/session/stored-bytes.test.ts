/** What the sessions of a client keep is counted for as long as they keep it, and no longer. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { Instance } from '../../lib/runtime/instance.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { Delivered } from '../../lib/session/stream/delivered.ts'
import { type Session, sessionKey } from '../../lib/session/stream/session.ts'
import { defaultsOf, SETTINGS } from '../../lib/settings.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { type Store, StoreUnavailable } from '../../lib/store/store.ts'
import { interceptedStore } from '../support/intercepted-store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ACCEPT_BOTH, EventReader, request, toolCall } from '../support/raw.ts'

const MIB = 1024 * 1024
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

let clock: ManualClock
let store: Store
let instance: Instance

beforeEach(() => {
  clock = new ManualClock()
  store = memoryStore({ clock, maxBytes: 100 * MIB })
  instance = new Instance(store, { ...defaultsOf(SETTINGS.session), maxStored: 8 * MIB }, clock, (error) => {
    throw error
  })
})
afterEach(() => store.close())

/** Whether the client keeps too much. The count is read again in the background. */
async function over(): Promise<boolean> {
  instance.stored.over('client')
  await instance.settled()
  return instance.stored.over('client')
}

async function report(held: number, heldFor: number): Promise<void> {
  instance.stored.report('client', 'k', { held, heldFor })
  await instance.settled()
}

const INITIALIZE = request(0, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 't', version: '1' },
})

/** Sends requests of the one client to an endpoint. */
function sender(endpoint: ReturnType<typeof createEndpoint>) {
  return (method: string, headers: object, body?: object) => {
    const all = { accept: ACCEPT_BOTH, 'content-type': 'application/json', ...headers }
    const init = { method, headers: all, ...(body && { body: JSON.stringify(body) }) }
    const from = { incoming: { socket: { remoteAddress: '203.0.113.9' } } }
    return endpoint.fetch(new Request('http://localhost/mcp', init), from)
  }
}

describe('a report', () => {
  test('counts for as long as what it counts, and each heartbeat renews it', async () => {
    await report(12 * MIB, HOUR)
    expect(await over()).toBe(true)
    for (let i = 0; i < 4; i++) {
      await clock.advance(50 * MINUTE)
      expect(await over()).toBe(true)
      await report(12 * MIB, HOUR)
    }
    await clock.advance(HOUR + 1)
    expect(await over()).toBe(false)
  })

  test('ends sooner where the same bytes are kept for a shorter time', async () => {
    await report(12 * MIB, HOUR)
    await report(12 * MIB + 10, 5 * MINUTE)
    await clock.advance(5 * MINUTE + 1)
    expect(await over()).toBe(false)
  })

  test('of next to nothing ends the one before, and the record of the session counts on', async () => {
    instance.stored.count('client', 'k', 1_000, DAY)
    await report(12 * MIB, HOUR)
    await report(10, 5 * MINUTE)
    expect(await store.weigh('client', '-', 0, 0)).toBe(1_000)
    instance.stored.ended('client', 'k')
    await instance.settled()
    expect(await store.weigh('client', '-', 0, 0)).toBe(0)
  })

  test('that says what the last one said costs the store nothing', async () => {
    let weighed = 0
    const { weigh } = store
    store.weigh = (...args) => {
      weighed++
      return weigh(...args)
    }
    for (let i = 0; i < 100; i++) await report(12 * MIB + i, HOUR)
    expect(weighed).toBe(1)
  })
})

test('a call that goes on for hours counts with what it has logged', async () => {
  const server = new McpServer({ name: 'stored', version: '1' })
  let end = () => {}
  server.registerTool('long', {}, async (ctx) => {
    for (let i = 0; i < 40; i++) await ctx.log('info', 'x'.repeat(50_000))
    await new Promise<void>((resolve) => {
      end = resolve
    })
    return { content: [] }
  })
  const session = { maxStored: MIB, heartbeat: MINUTE, lease: 10 * MINUTE }
  const endpoint = createEndpoint(server, { store, clock, session })
  const send = sender(endpoint)
  const initialize = () => send('POST', {}, INITIALIZE)
  const id = (await initialize()).headers.get('mcp-session-id') ?? ''
  const reader = new EventReader(await send('POST', { 'mcp-session-id': id }, toolCall(1, 'long')))
  for (let i = 0; i < 40; i++) await reader.next()
  await clock.advance(3 * HOUR)
  expect((await initialize()).status).toBe(429)
  end()
  await reader.rest()
  await endpoint.settled()
  await clock.advance(6 * MINUTE)
  await initialize()
  await clock.advance(1)
  expect((await initialize()).status).toBe(200)
  await endpoint.close()
})

describe('the end of a session', () => {
  /** Opens a session at an instance of its own, and returns how one talks to it. */
  async function open(storeOfInstance = store) {
    const server = new McpServer({ name: 'stored', version: '1' })
    server.registerTool('wait', {}, async (ctx) => {
      await ctx.log('info', 'the call has a stream')
      await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
      return { content: [] }
    })
    const endpoint = createEndpoint(server, { store: storeOfInstance, clock })
    const send = sender(endpoint)
    const opened = await send('POST', {}, INITIALIZE)
    await endpoint.settled()
    const id = opened.headers.get('mcp-session-id') ?? ''
    return { endpoint, send, headers: { 'mcp-session-id': id }, key: sessionKey('', id) }
  }

  /** The bytes that the one client keeps. */
  const kept = () => store.weigh(client, '-', 0, 0)
  let client = ''
  beforeEach(() => {
    const { weigh } = store
    store.weigh = (id, ...args) => {
      client = id
      return weigh(id, ...args)
    }
  })

  test('is counted by a later DELETE where the instance that ended it was lost before it did', async () => {
    const { endpoint, send, headers, key } = await open()
    expect(await kept()).toBeGreaterThan(0)
    await store.deleteSession(key)
    expect((await send('DELETE', headers)).status).toBe(404)
    await endpoint.settled()
    expect(await kept()).toBe(0)
    await endpoint.close()
  })

  test('is counted later where the store is away', async () => {
    const { endpoint, send, headers } = await open()
    const { weigh } = store
    store.weigh = () => Promise.reject(new StoreUnavailable('away'))
    expect((await send('DELETE', headers)).status).toBe(204)
    await endpoint.settled()
    store.weigh = weigh
    await clock.advance(MINUTE)
    await endpoint.settled()
    expect(await kept()).toBe(0)
    await endpoint.close()
  })

  test.each(['a GET stream', 'a call'])('is counted after a report that %s has sent late', async (which) => {
    let reached = Promise.resolve()
    // What this instance reports reaches the store in order, and later than what the other one does.
    const weigh: Store['weigh'] = (...args) => {
      const done = reached.then(() => store.weigh(...args))
      reached = done.then(() => {})
      return done
    }
    const late = interceptedStore({ weigh: (_, ...args) => weigh(...(args as Parameters<Store['weigh']>)) }, store)
    const { endpoint, send, headers, key } = await open(late)
    const other = await open()
    const body = which === 'a call' ? toolCall(1, 'wait') : undefined
    const reader = new EventReader(await send(body ? 'POST' : 'GET', headers, body))
    await store.post(key, 'get', JSON.stringify('x'.repeat(MIB)), 't', 'p1')
    const blocked = Promise.withResolvers<void>()
    reached = reached.then(() => blocked.promise)
    await clock.advance(MINUTE)
    expect((await other.send('DELETE', headers)).status).toBe(204)
    await other.endpoint.settled()
    await reader.rest()
    blocked.resolve()
    await endpoint.settled()
    expect(await kept()).toBeLessThan(1_000)
    await endpoint.close()
    await other.endpoint.close()
  })
})

describe('the log of a GET stream', () => {
  /** The numbers that are left in the log, of five messages. */
  async function left(legacy: boolean, work: (delivered: Delivered) => Promise<void>): Promise<number[]> {
    await store.createSession('k', 'record', DAY)
    await store.take('k', 'get', 'i1:c1', undefined)
    for (let n = 1; n <= 5; n++) await store.post('k', 'get', 'x'.repeat(40_000), 't', `p${n}`)
    await work(new Delivered(instance, { key: 'k', legacy } as Session, 'i1:c1', undefined))
    await instance.settled()
    return (await store.readLog('k', 'get')).map(({ n }) => n)
  }

  test('keeps for a minute what was delivered: a client may have lost it and come back', async () => {
    const numbers = await left(false, async (delivered) => {
      for (const n of [1, 2, 3]) delivered.add(n, 40_000)
      delivered.beat()
      for (const n of [4, 5]) delivered.add(n, 40_000)
      await clock.advance(59_000)
      delivered.beat()
    })
    expect(numbers).toEqual([1, 2, 3, 4, 5])
  })

  test('keeps nothing that was delivered before that minute', async () => {
    const numbers = await left(false, async (delivered) => {
      for (const n of [1, 2, 3]) delivered.add(n, 40_000)
      delivered.beat()
      for (const n of [4, 5]) delivered.add(n, 40_000)
      await clock.advance(MINUTE)
      delivered.beat()
    })
    expect(numbers).toEqual([4, 5])
  })

  test('of HTTP+SSE keeps nothing that was delivered', async () => {
    const numbers = await left(true, async (delivered) => {
      for (const n of [1, 2, 3, 4]) delivered.add(n, 40_000)
    })
    expect(numbers).toEqual([5])
  })
})
