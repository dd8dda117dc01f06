/** Invented event ids: a client knows how the check of an id is computed, and must not be able to name a stream. */
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { formatEventId } from '../../lib/session/stream/event-id.ts'
import { sessionKey } from '../../lib/session/stream/session.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import type { Store } from '../../lib/store/store.ts'
import { ACCEPT_BOTH, EventReader, request, toolCall } from '../support/raw.ts'

let endpoints: Endpoint[] = []
/** Commands on streams that the store got. */
let takes = 0

afterEach(async () => {
  await Promise.all(endpoints.map((endpoint) => endpoint.close()))
  endpoints = []
})

function build(): McpServer {
  const server = new McpServer({ name: 'event-ids', version: '1' })
  server.registerTool('tell', {}, async (ctx) => {
    await ctx.log('info', 'told')
    return { content: [{ type: 'text', text: 'done' }] }
  })
  return server
}

function withoutKey(text: string): string {
  const { k, ...record } = JSON.parse(text) as { k?: string }
  return JSON.stringify(record)
}

/** A store that counts `take`. `older`: the records lack the event key, as those of builds before event keys. */
function countingStore(older = false): Store {
  const store = memoryStore()
  takes = 0
  return {
    ...store,
    leavesProcess: true,
    close: async () => {},
    createSession(key, text, ...rest) {
      return store.createSession(key, older ? withoutKey(text) : text, ...rest)
    },
    take(...args) {
      takes++
      return store.take(...args)
    },
  }
}

function start(options: EndpointOptions): Endpoint {
  const endpoint = createEndpoint(build(), options)
  endpoints.push(endpoint)
  return endpoint
}

async function send(endpoint: Endpoint, method: string, headers: Record<string, string>, body?: object) {
  const accept = method === 'GET' ? 'text/event-stream' : ACCEPT_BOTH
  const init = { method, headers: { accept, 'content-type': 'application/json', ...headers } }
  return endpoint.fetch(new Request('http://localhost/mcp', { ...init, body: body ? JSON.stringify(body) : null }))
}

async function open(endpoint: Endpoint, protocolVersion = '2025-03-26'): Promise<Record<string, string>> {
  const params = { protocolVersion, capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const response = await send(endpoint, 'POST', {}, request(0, 'initialize', params))
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
}

const resume = (endpoint: Endpoint, session: Record<string, string>, id: string) =>
  send(endpoint, 'GET', { ...session, 'last-event-id': id })

/** An id whose check the client has computed for its session. */
function forged(session: Record<string, string>, stream: string, n = 1): string {
  return formatEventId(sessionKey('', session['mcp-session-id'] ?? ''), { stream, n, tag: 'abcd' })
}

const named = (id: string) => Buffer.from(JSON.stringify(id)).toString('base64url')

describe('an event id of a stream that never was', () => {
  test('is refused before the store is asked, whatever its name, and however many there are', async () => {
    const endpoint = start({ store: countingStore() })
    const session = await open(endpoint)
    const names = ['x', 'AAAAAAAAAAAA~', `AAAAAAAAAAAA~${named('1')}`, `AAAAAAAAAAAABBBBBBBB~${named('1')}`]
    for (const name of names) {
      const refused = await resume(endpoint, session, forged(session, name))
      expect(refused.status, name).toBe(400)
      expect(await refused.json()).toMatchObject({ jsonrpc: '2.0', error: { code: -32600 } })
    }
    for (const count of [2, 50, 500, 1_000]) {
      const ids = Array.from({ length: count }, (_, i) => forged(session, `s${i}`))
      expect((await resume(endpoint, session, ids.join('!'))).status).toBe(400)
    }
    expect(takes).toBe(0)
  })

  test('is refused for any name and number that a client can write', async () => {
    const endpoint = start({ store: countingStore() })
    const session = await open(endpoint)
    const letters = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
    const name = fc.oneof(
      fc.string({ unit: letters, minLength: 1, maxLength: 60 }),
      fc
        .tuple(fc.string({ unit: letters, minLength: 20, maxLength: 20 }), fc.string({ maxLength: 20 }))
        .map(([random, id]) => `${random}~${named(id)}`),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, fc.nat()), { minLength: 1, maxLength: 60 }), async (all) => {
        const ids = all.map(([stream, n]) => forged(session, stream === 'get' ? 'got' : stream, n))
        expect((await resume(endpoint, session, ids.join('!'))).status).toBe(400)
      }),
      { numRuns: 500 },
    )
    expect(takes).toBe(0)
  })

  test('is refused with the name of a real stream in which the request id is another', async () => {
    const endpoint = start({ store: countingStore() })
    const session = await open(endpoint)
    const reader = new EventReader(await send(endpoint, 'POST', session, toolCall('real', 'tell')))
    await reader.rest()
    const [stream = ''] = (reader.lastId ?? '').split('.')
    expect(stream).toContain(`~${named('real')}`)
    const other = stream.replace(`~${named('real')}`, `~${named('other')}`)
    expect((await resume(endpoint, session, forged(session, other))).status).toBe(400)
    expect(takes).toBe(0)
    // The real name is the session's own.
    expect((await resume(endpoint, session, reader.events[0]?.id ?? '')).status).toBe(200)
  })

  test('is refused beside the GET stream', async () => {
    const endpoint = start({ store: countingStore() })
    const session = await open(endpoint)
    const reader = new EventReader(await send(endpoint, 'POST', session, toolCall('real', 'tell')))
    await reader.rest()
    const get = forged(session, 'get', 0)
    for (const id of [`${get}!${reader.lastId}`, `${reader.lastId}!${get}`, `${get}!${get}`]) {
      expect((await resume(endpoint, session, id)).status).toBe(400)
    }
    expect(takes).toBe(0)
  })
})

describe('event ids of a session that a build before event keys has opened', () => {
  test('are accepted, and name at most as many positions as a batch has messages', async () => {
    const endpoint = start({ store: countingStore(true), http: { maxBatch: 5 } })
    const session = await open(endpoint)
    const reader = new EventReader(await send(endpoint, 'POST', session, toolCall('real', 'tell')))
    await reader.rest()
    expect((await new EventReader(await resume(endpoint, session, reader.events[0]?.id ?? '')).rest()).at(-1)?.id).toBe(
      'real',
    )
    takes = 0
    const ids = (count: number) => Array.from({ length: count }, (_, i) => forged(session, `s${i}`)).join('!')
    expect((await resume(endpoint, session, ids(6))).status).toBe(400)
    expect((await resume(endpoint, session, ids(50))).status).toBe(400)
    expect(takes).toBe(0)
  })

  test('that are unknown to the store have one message together', async () => {
    const endpoint = start({ store: countingStore(true) })
    const session = await open(endpoint)
    const ids = Array.from({ length: 50 }, (_, i) => forged(session, `s${i}`)).join('!')
    const reader = new EventReader(await resume(endpoint, session, ids))
    expect(await reader.rest()).toEqual([{ jsonrpc: '2.0', error: { code: -32603, message: expect.any(String) } }])
    // The id of the message names the streams that are left.
    expect(JSON.stringify(reader.events).length).toBeLessThan(ids.length + 500)
  })

  test('whose streams name requests have one error for each request', async () => {
    const endpoint = start({ store: countingStore(true) })
    const session = await open(endpoint)
    const ids = Array.from({ length: 50 }, (_, i) => forged(session, `s${i}~${named(`r${i % 10}`)}`)).join('!')
    const reader = new EventReader(await resume(endpoint, session, ids))
    const requests = (await reader.rest()).map(({ id }) => id)
    expect(new Set(requests)).toEqual(new Set(Array.from({ length: 10 }, (_, i) => `r${i}`)))
    expect(requests).toHaveLength(10)
    expect(JSON.stringify(reader.events).length).toBeLessThan(10 * (ids.length + 500))
  })
})

test('the largest batch is resumed, each call with its own messages', async () => {
  const endpoint = start({ store: countingStore() })
  const session = await open(endpoint)
  const calls = Array.from({ length: 50 }, (_, i) => toolCall(`c${i}`, 'tell'))
  const reader = new EventReader(await send(endpoint, 'POST', session, calls))
  await reader.rest()
  const again = await new EventReader(await resume(endpoint, session, reader.events[0]?.id ?? '')).rest()
  expect(new Set(again.flatMap(({ id }) => id ?? []))).toEqual(new Set(Array.from({ length: 50 }, (_, i) => `c${i}`)))
})

test('event ids outlive a change of the secret, and need none', async () => {
  const store = countingStore()
  const [old, next] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  const first = start({ store, keys: [old] })
  const session = await open(first, '2025-11-25')
  const reader = new EventReader(await send(first, 'POST', session, toolCall('c', 'tell')))
  await reader.rest()
  const id = reader.events[0]?.id ?? ''
  const second = start({ store, keys: [next, old] })
  expect((await new EventReader(await resume(second, session, id)).rest()).at(-1)?.id).toBe('c')
})

test('each session has an event key of its own, in its record', async () => {
  const records: string[] = []
  const store = countingStore()
  const recording: Store = {
    ...store,
    createSession(key, text, ...rest) {
      records.push(text)
      return store.createSession(key, text, ...rest)
    },
  }
  const endpoint = start({ store: recording })
  await open(endpoint)
  await open(endpoint)
  const keys = records.map((text) => (JSON.parse(text) as { k: string }).k)
  expect(keys[0]).toMatch(/^[\w-]{22}$/)
  expect(keys[0]).not.toBe(keys[1])
})
