/** The form of responses: JSON or stream, headers, the members of each revision, and CORS. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RawSession, RpcMessage } from '../support/raw.ts'
import { call, EventReader, initialize, post, postStream, request, toolCall } from '../support/raw.ts'
import { type EverythingServer, startEverything } from './everything-server.ts'

let server: EverythingServer
let session: RawSession

beforeAll(async () => {
  server = await startEverything({
    session: { streamAfter: 100, autoProgress: 50, heartbeat: 200 },
    allowedOrigins: ['https://app.example'],
  })
  session = await initialize(server.url)
})
afterAll(() => server.stop())

describe('Accept', () => {
  test.each<[string | undefined, string]>([
    [undefined, 'application/json'],
    ['*/*', 'application/json'],
    ['application/json', 'application/json'],
    ['application/json, text/event-stream', 'application/json'],
    ['text/event-stream, application/json;q=0.5', 'application/json'],
    ['application/*', 'application/json'],
    ['text/html, */*;q=0.1', 'application/json'],
    ['text/event-stream', 'text/event-stream'],
    ['text/*', 'text/event-stream'],
  ])('%s is answered with %s', async (accept, type) => {
    const response = await post(server.url, request(1, 'ping'), { session, ...(accept && { accept }) })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
    const text = await response.text()
    expect(text).toContain('"result":{}')
  })

  test.each(['text/html', 'image/png', 'application/json;q=0, text/event-stream;q=0'])('%s is 406', async (accept) => {
    const response = await post(server.url, request(1, 'ping'), { session, accept })
    expect([response.status, ((await response.json()) as RpcMessage).error?.code]).toEqual([406, -32600])
  })

  test('of only JSON always gets JSON', async () => {
    const talks = toolCall(1, 'progress', { n: 3, delayMs: 60 }, { progressToken: 'p' })
    const response = await post(server.url, talks, { session, accept: 'application/json' })
    expect(((await response.json()) as RpcMessage).result.content[0].text).toContain('done 3')
  })

  test('of a GET must cover text/event-stream', async () => {
    const headers = { accept: 'application/json', 'mcp-session-id': session.id }
    expect((await fetch(server.url, { headers })).status).toBe(406)
  })
})

describe('a stream', () => {
  test('has the headers that stop proxies from buffering and changing it', async () => {
    const stream = await postStream(server.url, toolCall(1, 'progress', { n: 1 }, { progressToken: 'p' }), { session })
    expect(stream.response.headers.get('cache-control')).toBe('no-store, no-transform')
    expect(stream.response.headers.get('x-accel-buffering')).toBe('no')
    await stream.rest()
  })

  test('begins with a priming event in 2025-11-25, and never with empty data before', async () => {
    for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
      const opened = await initialize(server.url, version)
      const talks = toolCall(1, 'progress', { n: 1 }, { progressToken: 'p' })
      const stream = await postStream(server.url, talks, { session: opened })
      await stream.rest()
      const empty = stream.events.filter(({ data }) => data === '')
      expect(empty).toHaveLength(version === '2025-11-25' ? 1 : 0)
      expect(stream.events.filter(({ message }) => message).every(({ id }) => id !== undefined)).toBe(true)
    }
  })

  test('begins when a call takes long, has comments while it is silent, and sends progress that never decreases', async () => {
    const slow = toolCall(1, 'slow', { ms: 700 }, { progressToken: 'auto' })
    const stream = await postStream(server.url, slow, { session })
    const messages = await stream.rest()
    const told = messages.flatMap(({ params }) => (params?.progressToken === 'auto' ? [params.progress] : []))
    expect(told.length).toBeGreaterThan(1)
    expect(told).toEqual([...new Set(told)].sort((a, b) => a - b))
    expect(stream.comments).toBeGreaterThan(0)
    expect(messages.at(-1)?.id).toBe(1)
  })

  test('has no automatic progress for a client that sent no progress token', async () => {
    const messages = await (await postStream(server.url, toolCall(1, 'slow', { ms: 400 }), { session })).rest()
    expect(messages).toHaveLength(1)
  })

  test('sends the author’s progress and the automatic progress, and the value never decreases', async () => {
    const climb = toolCall(1, 'progress', { n: 4, delayMs: 130 }, { progressToken: 'p' })
    const messages = await (await postStream(server.url, climb, { session })).rest()
    const told = messages.flatMap(({ params }) => params?.progress ?? [])
    expect(told).toEqual([...new Set(told)].sort((a, b) => a - b))
    for (const step of [1, 2, 3, 4]) expect(told).toContain(step)
    expect(told.length).toBeGreaterThan(4)
  })
})

describe('a member that is newer than the revision', () => {
  const shown = async (version: string, name: string) => {
    const opened = await initialize(server.url, version)
    return (await call(server.url, opened, toolCall(1, name, { a: 1, b: 2 }))).result
  }

  test('is left out or downgraded', async () => {
    expect((await shown('2025-06-18', 'structured')).structuredContent).toEqual({ sum: 3 })
    expect((await shown('2025-03-26', 'structured')).structuredContent).toBeUndefined()
    expect((await shown('2025-03-26', 'structured')).content[0].text).toContain('"sum":3')
    expect((await shown('2025-06-18', 'link')).content[0].type).toBe('resource_link')
    expect((await shown('2025-03-26', 'link')).content[0].type).toBe('text')
    expect((await shown('2024-11-05', 'test_audio_content')).content[0].type).toBe('text')
    const tools = async (version: string) => {
      const { result } = await call(server.url, await initialize(server.url, version), request(1, 'tools/list'))
      return (result.tools as { name: string }[]).find(({ name }) => name === 'echo') as Record<string, unknown>
    }
    expect(Object.keys(await tools('2025-11-25'))).toEqual(
      expect.arrayContaining(['title', 'icons', 'annotations', '_meta']),
    )
    expect(Object.keys(await tools('2025-06-18'))).not.toContain('icons')
    expect(Object.keys(await tools('2025-03-26'))).not.toContain('title')
    expect(Object.keys(await tools('2024-11-05'))).not.toContain('annotations')
  })

  test('params.task is ignored', async () => {
    const params = { name: 'echo', arguments: { message: 'x' }, task: { ttl: 1000 } }
    const older = await initialize(server.url, '2025-06-18')
    expect((await call(server.url, older, request(1, 'tools/call', params))).result.content[0].text).toBe('x')
  })
})

describe('notifications and responses', () => {
  test.each<[string, object]>([
    ['initialized', { jsonrpc: '2.0', method: 'notifications/initialized' }],
    ['roots changed', { jsonrpc: '2.0', method: 'notifications/roots/list_changed' }],
    ['progress', { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1 } }],
    ['unknown', { jsonrpc: '2.0', method: 'notifications/of/my/own' }],
    ['a response nobody waits for', { jsonrpc: '2.0', id: 7, result: {} }],
    ['an error nobody waits for', { jsonrpc: '2.0', id: 'q', error: { code: 1, message: 'm' } }],
  ])('%s: 202 with no body', async (_what, body) => {
    const response = await post(server.url, body, { session })
    expect([response.status, await response.text(), response.headers.get('content-type')]).toEqual([202, '', null])
  })

  test('a call that arrives before initialized is served', async () => {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } }
    const opened = await post(server.url, request(0, 'initialize', params))
    const fresh = { id: opened.headers.get('mcp-session-id') ?? '', version: '2025-11-25' }
    expect((await call(server.url, fresh, toolCall(1, 'echo', { message: 'early' }))).result.content[0].text).toBe(
      'early',
    )
  })

  test('ping needs no session', async () => {
    expect(await (await post(server.url, request('p', 'ping'))).json()).toEqual({ jsonrpc: '2.0', id: 'p', result: {} })
  })
})

describe('a browser', () => {
  const origin = 'https://app.example'

  test('gets a preflight response without a token', async () => {
    const headers = {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type, mcp-session-id, mcp-param-region, x-evil',
    }
    const response = await fetch(server.url, { method: 'OPTIONS', headers })
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-origin')).toBe(origin)
    const allowed = response.headers.get('access-control-allow-headers') ?? ''
    for (const name of [
      'mcp-protocol-version',
      'mcp-method',
      'mcp-name',
      'last-event-id',
      'authorization',
      'mcp-param-region',
    ]) {
      expect(allowed).toContain(name)
    }
    expect(allowed).not.toContain('x-evil')
  })

  test('may read the session id of a response', async () => {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } }
    const response = await post(server.url, request(0, 'initialize', params), { headers: { origin } })
    expect(response.headers.get('access-control-expose-headers')).toContain('Mcp-Session-Id')
    expect(response.headers.get('mcp-session-id')).toBeTruthy()
    expect(response.headers.get('vary')).toContain('Origin')
  })

  test.each(['https://evil.example', 'null', 'https://app.example.evil'])(
    'of the origin %s is 403, on every method',
    async (bad) => {
      for (const method of ['POST', 'GET', 'DELETE', 'OPTIONS']) {
        const response = await fetch(server.url, {
          method,
          headers: { origin: bad },
          ...(method === 'POST' && { body: '{}' }),
        })
        expect(response.status).toBe(403)
        expect(response.headers.get('access-control-allow-origin')).toBeNull()
        expect(((await response.json()) as RpcMessage).error?.code).toBe(-32600)
      }
    },
  )
})

test('/healthz answers', async () => {
  expect(await (await fetch(new URL('/healthz', server.url))).json()).toEqual({ status: 'ok' })
})

test('a client that loses its session id is served without one, if allowSessionless is set', async () => {
  const lenient = await startEverything({ http: { allowSessionless: true } })
  try {
    const answered = (await (await post(lenient.url, toolCall(1, 'echo', { message: 'x' }))).json()) as RpcMessage
    expect(answered.result.content[0].text).toBe('x')
    const talks = new EventReader(await post(lenient.url, toolCall(2, 'progress', { n: 2 }, { progressToken: 'p' })))
    expect((await talks.rest()).map(({ id, params }) => id ?? params?.progress)).toEqual([1, 2, 2])
    expect(talks.events.every(({ id }) => id === undefined)).toBe(true)
    const asked = (await (await post(lenient.url, toolCall(3, 'ask'))).json()) as RpcMessage
    expect(asked.result.isError).toBe(true)
    expect((await (await post(lenient.url, request(4, 'no/such'))).json()) as RpcMessage).toMatchObject({
      error: { code: -32601 },
    })
    expect((await post(lenient.url, { jsonrpc: '2.0', method: 'notifications/initialized' })).status).toBe(202)
    const whoami = await post(lenient.url, toolCall(5, 'whoami'), { headers: { 'mcp-protocol-version': '2025-06-18' } })
    expect(JSON.parse(((await whoami.json()) as RpcMessage).result.content[0].text).revision).toBe('2025-06-18')
    // An unknown session id is still 404, so that the client opens a new session.
    expect((await post(lenient.url, request(6, 'ping'), { session: { id: 'x', version: '2025-11-25' } })).status).toBe(
      404,
    )
  } finally {
    await lenient.stop()
  }
})
