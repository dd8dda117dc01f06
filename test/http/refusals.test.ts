/** Refused requests, and the responses when the endpoint itself fails. Neither harms a session. */

import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { type Store, StoreUnavailable } from '../../lib/store/store.ts'
import type { RawSession, RpcMessage } from '../support/raw.ts'
import { ACCEPT_BOTH, EventReader, initialize, post, request, toolCall } from '../support/raw.ts'
import { fromSeconds } from '../support/spread.ts'
import { type EverythingServer, startEverything } from './everything-server.ts'

const APP = 'https://app.example'

let server: EverythingServer
let session: RawSession
/** The error with which the store fails to read a session. */
let failing: Error | undefined
const reported: unknown[] = []

beforeAll(async () => {
  const memory = memoryStore()
  const store: Store = {
    ...memory,
    readSession: (...args) => (failing ? Promise.reject(failing) : memory.readSession(...args)),
  }
  server = await startEverything({
    store,
    allowedHosts: ['mcp.example', '127.0.0.1'],
    allowedOrigins: [APP],
    onError: (error) => reported.push(error),
  })
  session = await initialize(server.url)
})
afterAll(() => server.stop())

/** Sends a request over a socket: with fetch a test can neither choose the Host header nor send a body with GET. */
async function send(head: string, body = ''): Promise<{ status: number; answer: RpcMessage }> {
  const socket = connect(server.port, '127.0.0.1')
  socket.end(`${head}\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  let text = ''
  for await (const chunk of socket) text += chunk
  const [headers = '', rest = ''] = text.split('\r\n\r\n')
  return { status: Number(headers.split(' ')[1]), answer: (rest === '' ? {} : JSON.parse(rest)) as RpcMessage }
}

describe('the Host header', () => {
  const ping = JSON.stringify(request(1, 'ping'))
  const naming = (host: string) => send(`POST /mcp HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json`, ping)

  test.each(['mcp.example', 'MCP.example:8443', '127.0.0.1:1'])('%s is served', async (host) => {
    expect(await naming(host)).toMatchObject({ status: 200, answer: { id: 1, result: {} } })
  })

  test.each(['evil.example', 'mcp.example.evil', 'evil.example:80', ''])('%j is 403', async (host) => {
    expect(await naming(host)).toMatchObject({ status: 403, answer: { jsonrpc: '2.0', error: { code: -32600 } } })
  })

  test('of another host is 403 for every HTTP method', async () => {
    for (const method of ['POST', 'GET', 'DELETE', 'OPTIONS', 'PUT']) {
      expect((await send(`${method} /mcp HTTP/1.1\r\nHost: evil.example`)).status).toBe(403)
    }
  })
})

describe('an unknown MCP-Protocol-Version', () => {
  test.each(['GET', 'DELETE'])('is 400 on %s', async (method) => {
    const headers = { 'mcp-session-id': session.id, 'mcp-protocol-version': '1999-01-01', accept: ACCEPT_BOTH }
    const response = await fetch(server.url, { method, headers })
    const { error } = (await response.json()) as RpcMessage
    expect([response.status, error?.code, error?.data.requested]).toEqual([400, -32022, '1999-01-01'])
  })

  test('does not end the session of its request', async () => {
    expect((await post(server.url, request(1, 'ping'), { session })).status).toBe(200)
  })
})

describe('a page of an allowed origin', () => {
  const headers = { origin: APP }

  test('may read refusals', async () => {
    const refused = [
      await post(server.url, '{', { headers }),
      await post(server.url, request(1, 'ping'), { session: { id: 'none', version: '2025-11-25' }, headers }),
      await post(server.url, request(1, 'ping'), { session, headers: { ...headers, 'content-type': 'text/plain' } }),
      await fetch(server.url, { method: 'PUT', headers }),
    ]
    expect(refused.map(({ status }) => status)).toEqual([400, 404, 415, 405])
    for (const response of refused) expect(response.headers.get('access-control-allow-origin')).toBe(APP)
  })

  test('may read streams', async () => {
    const call = toolCall(1, 'progress', { n: 1 }, { progressToken: 'p' })
    const response = await post(server.url, call, { session, headers })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('access-control-allow-origin')).toBe(APP)
    await new EventReader(response).rest()
  })
})

describe('when the store', () => {
  async function answered(error: Error, id: string | number, method: string): Promise<[Response, RpcMessage]> {
    failing = error
    try {
      const response = await post(server.url, request(id, method), { session, headers: { origin: APP } })
      return [response, (await response.json()) as RpcMessage]
    } finally {
      failing = undefined
    }
  }

  test('does not answer, a request is 503 with its id and Retry-After', async () => {
    const [response, answer] = await answered(new StoreUnavailable('no answer'), 'mine', 'ping')
    expect([response.status, response.headers.get('retry-after'), answer.id]).toEqual([503, fromSeconds(1), 'mine'])
    expect(answer.error?.code).toBe(-32603)
    expect(response.headers.get('access-control-allow-origin')).toBe(APP)
  })

  test('fails with an unexpected error, a request is 500, and the error is reported to the author alone', async () => {
    reported.length = 0
    const [response, answer] = await answered(new Error('the secret is 42'), 7, 'ping')
    expect([response.status, answer.id, answer.error?.code]).toEqual([500, 7, -32603])
    expect(JSON.stringify(answer)).not.toContain('42')
    expect(String(reported)).toContain('the secret is 42')
  })

  test('answers again, the session is as it was', async () => {
    await answered(new StoreUnavailable('no answer'), 1, 'ping')
    expect((await post(server.url, request(2, 'ping'), { session })).status).toBe(200)
  })
})

test('a GET with a body opens its stream, and the body does not become the next request', async () => {
  const own = `Host: 127.0.0.1\r\nMcp-Session-Id: ${session.id}\r\nAccept: ${ACCEPT_BOTH}\r\n`
  const call = JSON.stringify(toolCall('smuggled', 'remember', { name: 'smuggled', value: 'yes' }))
  const inner = `POST /mcp HTTP/1.1\r\n${own}Content-Type: application/json\r\nContent-Length: ${call.length}\r\n\r\n${call}`
  const socket = connect(server.port, '127.0.0.1').setEncoding('utf8')
  socket.write(`GET /mcp HTTP/1.1\r\n${own}Content-Length: ${inner.length}\r\n\r\n${inner}`)
  let text = ''
  for await (const chunk of socket) {
    text += chunk
    if (text.includes('retry:')) break
  }
  expect(text).toMatch(/^HTTP\/1.1 200 /)
  const recalled = await post(server.url, toolCall(1, 'recall', { name: 'smuggled' }), { session })
  expect(((await recalled.json()) as RpcMessage).result.content[0].text).toBe('null')
})
