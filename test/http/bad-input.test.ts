/** Wrong requests: each gets its status, its code and a message that names the error, and the session stays as it was. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onEvent } from '../../lib/base/events.ts'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { call, initialize, post, type RawSession, type RpcMessage, request, toolCall } from '../support/raw.ts'
import { type EverythingServer, startEverything } from './everything-server.ts'

let server: EverythingServer
let session: RawSession

beforeAll(async () => {
  server = await startEverything({ http: { maxBytes: 10_000, maxDepth: 20 } })
  session = await initialize(server.url)
})
afterAll(() => server.stop())

async function refused(response: Response, status: number, code: number): Promise<RpcMessage> {
  const answer = (await response.json()) as RpcMessage
  expect([response.status, answer.error?.code], JSON.stringify(answer)).toEqual([status, code])
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(answer.jsonrpc).toBe('2.0')
  expect(answer.error?.message.length).toBeGreaterThan(10)
  expect(answer.error?.message).not.toMatch(/\/work|node_modules|at .*\.ts/)
  // The session still works.
  expect((await call(server.url, session, toolCall('after', 'echo', { message: 'fine' }))).result.content[0].text).toBe(
    'fine',
  )
  return answer
}

describe('a body', () => {
  test.each<[string, unknown, number, number]>([
    ['that is no JSON', '{"jsonrpc":', 400, -32700],
    ['that is empty', '', 400, -32700],
    ['that is a string', '"ping"', 400, -32600],
    ['that is null', 'null', 400, -32600],
    ['without jsonrpc', { id: 1, method: 'ping' }, 400, -32600],
    ['of another jsonrpc', { jsonrpc: '1.0', id: 1, method: 'ping' }, 400, -32600],
    ['with the id null', { jsonrpc: '2.0', id: null, method: 'ping' }, 400, -32600],
    ['with a fractional id', { jsonrpc: '2.0', id: 1.5, method: 'ping' }, 400, -32600],
    ['with half a character as id', '{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}', 400, -32600],
    ['with an object as id', { jsonrpc: '2.0', id: {}, method: 'ping' }, 400, -32600],
    ['with a number as method', { jsonrpc: '2.0', id: 1, method: 7 }, 400, -32600],
    ['with an array as params', { jsonrpc: '2.0', id: 1, method: 'ping', params: [1] }, 400, -32600],
    ['with the id null and an error', { jsonrpc: '2.0', id: null, method: 'ping', error: {} }, 400, -32600],
    ['with a method and a result', { jsonrpc: '2.0', id: 1, method: 'ping', result: {} }, 400, -32600],
    ['with a number as _meta', { jsonrpc: '2.0', id: 1, method: 'ping', params: { _meta: 1 } }, 400, -32602],
    [
      'with true as progress token',
      { jsonrpc: '2.0', id: 1, method: 'ping', params: { _meta: { progressToken: true } } },
      400,
      -32602,
    ],
    [
      'with an object as progress token',
      { jsonrpc: '2.0', id: 1, method: 'ping', params: { _meta: { progressToken: {} } } },
      400,
      -32602,
    ],
    [
      'with a result and an error',
      { jsonrpc: '2.0', id: 'a', result: {}, error: { code: 1, message: 'no' } },
      400,
      -32600,
    ],
    ['with a result that is an array', { jsonrpc: '2.0', id: 'a', result: [1] }, 400, -32600],
    ['that is no message', { jsonrpc: '2.0', id: 1 }, 400, -32600],
    [
      'nested too deeply',
      `{"jsonrpc":"2.0","id":1,"method":"ping","params":${'{"a":'.repeat(30)}1${'}'.repeat(30)}}`,
      400,
      -32600,
    ],
    ['an array, in a revision without batches', [{ jsonrpc: '2.0', id: 1, method: 'ping' }], 400, -32600],
    ['an empty array', [], 400, -32600],
  ])('%s', async (_what, body, status, code) => {
    await refused(await post(server.url, body, { session }), status, code)
  })

  test('with a fractional progress token is served without progress', async () => {
    const message = toolCall(1, 'progress', { n: 3 }, { progressToken: 1.5 })
    const response = await post(server.url, message, { session })
    expect(response.status).toBe(200)
    const text = await response.text()
    expect(text).toContain('"result"')
    expect(text).not.toContain('notifications/progress')
  })

  test('that is a bad message with a usable id gets an error with that id', async () => {
    const answer = await refused(
      await post(server.url, { jsonrpc: '2.0', id: 'x', method: 7 }, { session }),
      400,
      -32600,
    )
    expect(answer.id).toBe('x')
    const without = await refused(await post(server.url, '{', { session }), 400, -32700)
    expect('id' in without).toBe(false)
  })

  test('of another content type is 415, and every JSON content type is accepted', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', '']) {
      await refused(
        await post(server.url, request(1, 'ping'), { session, headers: { 'content-type': type } }),
        415,
        -32600,
      )
    }
    for (const type of ['application/json; charset=utf-8', 'APPLICATION/JSON', 'application/vnd.mcp+json']) {
      const response = await post(server.url, request(1, 'ping'), { session, headers: { 'content-type': type } })
      expect(response.status).toBe(200)
      await response.text()
    }
  })

  test('over the limit is 413, whether its length is announced or not', async () => {
    const large = JSON.stringify(toolCall(1, 'echo', { message: 'x'.repeat(20_000) }))
    await refused(await post(server.url, large, { session }), 413, -32600)
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(large))
        controller.close()
      },
    })
    const headers = { 'content-type': 'application/json', accept: '*/*', 'mcp-session-id': session.id }
    const init = { method: 'POST', headers, body: stream, duplex: 'half' }
    await refused(await fetch(server.url, init as RequestInit), 413, -32600)
  })

  test('over the limit is refused before the rest of it has arrived', async () => {
    const socket = connect(server.port, '127.0.0.1')
    const head = `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n`
    // One byte of a hundred million is sent, and no more.
    socket.write(`${head}{`)
    const answer = await new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(chunk.toString())))
    expect(answer).toMatch(/^HTTP\/1.1 413 /)
    socket.destroy()
  })
})

describe('the log', () => {
  async function sent(body: string | ReadableStream) {
    const errors: unknown[] = []
    const endpoint = createEndpoint(new McpServer({ name: 'log', version: '1' }), { onError: (e) => errors.push(e) })
    const headers = { 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body, duplex: 'half' }
    const response = await endpoint.fetch(new Request('http://localhost/mcp', init as RequestInit))
    await endpoint.close()
    return { response, errors }
  }

  test('has no error for a body that breaks off, since the client caused it', async () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error('aborted')) })
    const { response, errors } = await sent(body)
    expect(response.status).toBe(400)
    expect(((await response.json()) as RpcMessage).error?.message).toContain('body ended')
    expect(errors).toEqual([])
  })

  test('has at most 100 characters of a method', async () => {
    const methods: (string | undefined)[] = []
    const stop = onEvent('request', ({ method }) => methods.push(method))
    await sent(JSON.stringify(request(1, 'x'.repeat(1_000))))
    stop()
    expect(methods).toEqual(['x'.repeat(100)])
  })
})

describe('a session', () => {
  test('id that is missing is 400, and an unknown id is 404, for every HTTP method', async () => {
    for (const method of ['POST', 'GET', 'DELETE']) {
      const body = method === 'POST' ? { body: JSON.stringify(request(1, 'tools/list')) } : {}
      const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
      await refused(await fetch(server.url, { method, headers, ...body }), 400, -32600)
      await refused(
        await fetch(server.url, { method, headers: { ...headers, 'mcp-session-id': 'unknown' }, ...body }),
        404,
        -32001,
      )
    }
  })

  test('that has ended is 404', async () => {
    const ended = await initialize(server.url)
    const headers = { 'mcp-session-id': ended.id }
    expect((await fetch(server.url, { method: 'DELETE', headers })).status).toBe(204)
    await refused(await post(server.url, request(1, 'ping'), { session: ended }), 404, -32001)
    await refused(await fetch(server.url, { method: 'DELETE', headers }), 404, -32001)
  })

  test('id on initialize, old or "null", is ignored: a new session is opened', async () => {
    for (const id of [session.id, 'gone', 'null']) {
      const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } }
      const opened = await post(server.url, request(0, 'initialize', params), { headers: { 'mcp-session-id': id } })
      expect(opened.status).toBe(200)
      expect(opened.headers.get('mcp-session-id')).not.toBe(id)
      expect(opened.headers.get('mcp-session-id')).toMatch(/^[\x21-\x7e]{22,}$/)
    }
  })
})

describe('a version', () => {
  test.each(['2099-01-01', '1.0', 'latest', ''])('%j in the header is 400', async (version) => {
    const headers = { 'mcp-protocol-version': version }
    const response = await post(server.url, request(1, 'ping'), { session, headers })
    if (version === '') return expect(response.status).toBeLessThan(500)
    const answer = await refused(response, 400, -32022)
    expect(answer.error?.data).toMatchObject({ requested: version, supported: expect.arrayContaining(['2025-11-25']) })
  })

  test('in the header that is supported but is not the session’s is served with the session’s', async () => {
    for (const version of ['2024-11-05', '2025-03-26', '2025-06-18']) {
      const headers = { 'mcp-protocol-version': version }
      const response = await post(server.url, toolCall(1, 'whoami'), { session, headers })
      const { result } = (await response.json()) as RpcMessage
      expect(JSON.parse(result.content[0].text).revision).toBe('2025-11-25')
    }
  })

  test('on initialize that is unknown or stateless is answered with the newest session revision', async () => {
    for (const version of ['1999-01-01', '2026-07-28', 'x']) {
      expect((await initialize(server.url, version)).version).toBe('2025-11-25')
    }
    for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
      expect((await initialize(server.url, version)).version).toBe(version)
    }
    const params = { capabilities: {}, clientInfo: { name: 'a', version: '1' } }
    await refused(await post(server.url, request(1, 'initialize', params)), 400, -32602)
  })
})

describe('a method', () => {
  test('that does not exist is -32601 with status 200: a 404 would end the session', async () => {
    for (const method of [
      'no/such',
      'tasks/update',
      'server/discover',
      'subscriptions/listen',
      'initialize/x',
      '__proto__',
    ]) {
      await refused(await post(server.url, request(1, method), { session }), 200, -32601)
    }
  })

  test.each<[string, string, object]>([
    ['an unknown tool', 'tools/call', { name: 'none' }],
    ['arguments that are no object', 'tools/call', { name: 'echo', arguments: [1] }],
    ['a cursor that was never given out', 'tools/list', { cursor: 'x' }],
    ['a cursor of another list', 'prompts/list', { cursor: 'bm90aGluZw' }],
    ['an unknown prompt', 'prompts/get', { name: 'none' }],
    ['a level that is none', 'logging/setLevel', { level: 'loud' }],
    ['a subscription without a URI', 'resources/subscribe', {}],
  ])('with %s is -32602', async (_what, method, params) => {
    await refused(await post(server.url, request(1, method, params), { session }), 200, -32602)
  })

  test('of HTTP that the endpoint does not have is 405 with Allow, and another path is 404', async () => {
    for (const method of ['PUT', 'PATCH']) {
      const response = await fetch(server.url, { method, body: '{}' })
      expect(response.headers.get('allow')).toBe('POST, GET, DELETE')
      await refused(response, 405, -32600)
    }
    await refused(await fetch(new URL('/other', server.url)), 404, -32600)
    await refused(await fetch(new URL('/mcp/x', server.url), { method: 'POST', body: '{}' }), 404, -32600)
    const head = await fetch(server.url, { method: 'HEAD' })
    expect(head.status).toBe(405)
  })

  test('GET, HEAD or DELETE with a body does not disturb the next request', async () => {
    const send = (method: string) =>
      new Promise<string>((resolve) => {
        const socket = connect(server.port, '127.0.0.1')
        socket.write(
          `${method} /mcp HTTP/1.1\r\nHost: localhost:${server.port}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
        )
        let text = ''
        socket.on('data', (chunk) => (text += chunk))
        socket.on('close', () => resolve(text))
      })
    expect(await send('GET')).toMatch(/^HTTP\/1.1 400 /)
    expect(await send('HEAD')).toMatch(/^HTTP\/1.1 405 /)
    expect(await send('DELETE')).toMatch(/^HTTP\/1.1 400 /)
  })
})
