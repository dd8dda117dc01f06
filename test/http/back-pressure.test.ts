/**
 * Handlers that say much: they wait for the socket, a client that reads gets everything, and a client that does not read
 * loses its connection, which never looks complete.
 */
import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { serve } from '@hono/node-server'
import { afterEach, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { body, META, headers as statelessHeaders } from '../stateless/requests.ts'
import { eventually } from '../support/eventually.ts'
import { ACCEPT_BOTH, request } from '../support/raw.ts'
import { startRedis } from '../support/redis.ts'

const TIMES = 20_000
const KILOBYTE = 'x'.repeat(1_000)

/** How many messages the handler has got rid of. */
let said = 0
let ended: string | undefined

const server = new McpServer({ name: 'back-pressure', version: '1' })
server.registerTool('say', {}, async (ctx) => {
  ctx.signal.addEventListener('abort', () => (ended ??= 'aborted'))
  for (said = 0; said < TIMES && !ctx.signal.aborted; said++) await ctx.log('info', `${said} ${KILOBYTE}`)
  ended ??= 'done'
  return { content: [{ type: 'text', text: 'all said' }] }
})
server.registerTool('shout', {}, async (ctx) => {
  ctx.signal.addEventListener('abort', () => (ended ??= 'aborted'))
  for (said = 0; said < TIMES; said++) void ctx.log('info', `${said} ${KILOBYTE}`)
  return { content: [{ type: 'text', text: 'all said' }] }
})

let endpoint: Endpoint
let http: Server
let port = 0
let stopRedis: (() => Promise<unknown>) | undefined
const sockets: Socket[] = []
/** The same connections, at the server. */
let serverSockets: Socket[] = []

async function start(options: EndpointOptions = {}, serverOptions = {}): Promise<void> {
  said = 0
  ended = undefined
  endpoint = createEndpoint(server, {
    allowedHosts: 'local',
    legacySse: true,
    onError: () => {},
    ...options,
    http: { allowSessionless: true, ...options.http },
  })
  http = serve({ fetch: endpoint.fetch, port: 0, hostname: '127.0.0.1', serverOptions }) as Server
  serverSockets = []
  http.on('connection', (socket) => serverSockets.push(socket))
  await once(http, 'listening')
  port = (http.address() as AddressInfo).port
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await endpoint.close()
  http.closeAllConnections()
  await new Promise((resolve) => http.close(resolve))
  await stopRedis?.()
  stopRedis = undefined
})

/** A request on a socket of its own. Nothing is read until `data` is listened to. */
function open(method: string, path: string, headers: Record<string, string>, message?: unknown): Socket {
  const text = message === undefined ? '' : JSON.stringify(message)
  const all: Record<string, string> = { host: 'localhost', accept: ACCEPT_BOTH, ...headers }
  if (text !== '') Object.assign(all, { 'content-type': 'application/json', 'content-length': `${text.length}` })
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => {})
  socket.setEncoding('latin1')
  socket.pause()
  socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${text}`)
  return socket
}

async function session(version: string): Promise<Record<string, string>> {
  const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: ACCEPT_BOTH },
    body: JSON.stringify(request(0, 'initialize', params)),
  })
  await response.text()
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': version }
}

const call = (name: string) => ['tools/call', { name, arguments: {} }] as const

/** The ways of a call, each with the socket on which its messages come. */
const WAYS: Record<string, (name: string) => Promise<Socket>> = {
  'the stateless revision': async (name) => {
    const [method, params] = call(name)
    const message = body({ method, params, meta: { [META.logLevel]: 'debug' } })
    return open('POST', '/mcp', statelessHeaders({ method, params }), message)
  },
  'a session': async (name) => open('POST', '/mcp', await session('2025-11-25'), request(1, ...call(name))),
  'a session of 2025-06-18': async (name) =>
    open('POST', '/mcp', await session('2025-06-18'), request(1, ...call(name))),
  'a batch': async (name) =>
    open('POST', '/mcp', await session('2025-03-26'), [request(2, 'ping'), request(1, ...call(name))]),
  'no session': async (name) =>
    open('POST', '/mcp', { 'mcp-protocol-version': '2025-06-18' }, request(1, ...call(name))),
  'HTTP+SSE': async (name) => {
    const socket = open('GET', '/sse', {})
    const path = await new Promise<string>((resolve) => {
      let head = ''
      const read = (chunk: string) => {
        head += chunk
        const found = /data: (\S+)/.exec(head)?.[1]
        if (!found) return
        socket.off('data', read)
        socket.pause()
        resolve(found)
      }
      socket.on('data', read)
      socket.resume()
    })
    const sent = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request(1, ...call(name))),
    })
    expect(sent.status).toBe(202)
    return socket
  },
}
const ALL = Object.entries(WAYS)

/** Reads until the response of request 1, or the end of the connection. `pause`: after each chunk, in ms. */
async function readAll(socket: Socket, pause = 0): Promise<string> {
  const chunks: string[] = []
  let tail = ''
  return new Promise((resolve) => {
    const finish = () => resolve(chunks.join(''))
    socket.on('close', finish)
    socket.on('data', (chunk: string) => {
      chunks.push(chunk)
      tail = (tail + chunk).slice(-2_000)
      if (/"id":1,"(result|error)".*\n\n/s.test(tail)) setImmediate(finish)
      if (pause === 0) return
      socket.pause()
      setTimeout(() => socket.resume(), pause)
    })
    socket.resume()
  })
}

/** The numbers of the log messages, in the order in which they came. */
const numbersIn = (text: string) => [...text.matchAll(/"data":"(\d+) x/g)].map(([, n]) => Number(n))
const IN_ORDER = Array.from({ length: TIMES }, (_, n) => n)

/** The text without the frames of the chunked encoding. */
const unframed = (text: string) => text.replaceAll(/\r\n[0-9a-f]+\r\n/g, '')

describe.each([['memory'], ['Redis']])('with a store in %s', (kind) => {
  async function startWith(options: EndpointOptions = {}) {
    if (kind === 'memory') return start(options)
    const redis = await startRedis()
    stopRedis = () => redis.stop()
    return start({ ...options, store: redisStore(redis.url) })
  }
  const ways = kind === 'memory' ? ALL : ALL.filter(([name]) => name.includes('session of') || name === 'HTTP+SSE')

  test.each(ways)('20 MB of log messages all reach a client that reads: %s', async (_name, begin) => {
    await startWith()
    const text = unframed(await readAll(await begin('say')))
    expect(numbersIn(text)).toEqual(IN_ORDER)
    expect(text).toContain('all said')
    expect(ended).toBe('done')
  })
})

test.each(ALL)(
  'a client that reads in small steps gets everything, and its handler waits for it: %s',
  async (_name, begin) => {
    await start({ http: { maxBuffered: 64 * 1024, readTimeout: 20_000 } })
    const text = unframed(await readAll(await begin('say'), 1))
    expect(numbersIn(text)).toEqual(IN_ORDER)
    expect(text).toContain('all said')
  },
)

test.each(ALL)(
  'the handler waits while its client does not read; the connection then breaks, and looks so: %s',
  async (name, begin) => {
    await start({ http: { maxBuffered: 64 * 1024, readTimeout: 1_000 }, session: { maxQueuedBytes: 256 * 1024 } })
    const [socket, [accepted]] = (await Promise.all([begin('say'), once(http, 'connection')])) as [Socket, [Socket]]
    // What the system's buffers and ours take, and no more.
    let before = -1
    await eventually(async () => {
      const isStill = said > 0 && said === before
      before = said
      return isStill || ended ? true : undefined
    })
    expect(said).toBeLessThan(TIMES)
    // A session goes on without its reader, who can come back; other calls end with their connection.
    await eventually(async () => (ended ? true : undefined))
    const goesOn = name.startsWith('a session') || name === 'a batch'
    expect(ended).toBe(goesOn ? 'done' : 'aborted')
    await eventually(async () => (endpoint.stats().connections === 0 ? true : undefined))
    const text = await readAll(socket)
    expect(accepted.destroyed || socket.destroyed).toBe(true)
    expect(text).not.toContain('Error')
    expect(text).not.toContain('too slowly')
    expect(text).not.toMatch(/"id":1,"(result|error)"/)
    // The last chunk of a complete body is empty.
    expect(text.endsWith('0\r\n\r\n')).toBe(false)
    await eventually(async () => (endpoint.stats().calls === 0 ? true : undefined))
  },
)

test.each(ALL)(
  'a handler that does not wait has its bytes bounded, and its client gets an error: %s',
  async (_name, begin) => {
    await start()
    const text = unframed(await readAll(await begin('shout')))
    expect(text).toMatch(/"error":\{"code":-32603,"message":"The handler sent more messages than can wait/)
    const numbers = numbersIn(text)
    expect(numbers).toEqual(IN_ORDER.slice(0, numbers.length))
    expect(numbers.length).toBeGreaterThan(500)
    expect(numbers.length).toBeLessThan(TIMES)
  },
)

test.each([
  ['GET', 'text/event-stream'],
  ['subscriptions/listen', ACCEPT_BOTH],
])('%s: a stream whose client does not read holds no more than its bound, and breaks', async (way, accept) => {
  // Small messages fill a small buffer of the socket.
  await start({ http: { maxBuffered: 1_000, readTimeout: 300 }, session: { heartbeat: 5 } }, { highWaterMark: 512 })
  const params = { notifications: { toolsListChanged: true } }
  const listen = { method: 'subscriptions/listen', params }
  const socket =
    way === 'GET'
      ? open('GET', '/mcp', { ...(await session('2025-11-25')), accept })
      : open('POST', '/mcp', statelessHeaders(listen), body(listen))
  await eventually(async () => (endpoint.stats().connections === 1 ? true : undefined))
  // As if the system took nothing more.
  const accepted = serverSockets.at(-1)
  accepted?.cork()
  await eventually(async () => {
    // A change that follows within a moment is sent with the one before.
    await endpoint.notify.toolsChanged()
    return endpoint.stats().connections === 0 ? true : undefined
  })
  expect(accepted?.destroyed).toBe(true)
  const text = await readAll(socket)
  expect(text.endsWith('0\r\n\r\n')).toBe(false)
  expect(text).not.toContain('Error')
})
