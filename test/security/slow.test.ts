/** Clients that read slowly, send slowly, or do nothing at all. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { serve } from '@hono/node-server'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { harden } from '../../lib/platform/node/harden.ts'
import { server as everything } from '../fixtures/everything.ts'
import { eventually } from '../support/eventually.ts'
import { getStream, initialize, post, toolCall } from '../support/raw.ts'

/** A socket whose bytes the test writes and reads itself. */
class Wire {
  readonly socket: Socket
  text = ''
  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1').setNoDelay()
    this.socket.on('error', () => {})
    this.socket.setEncoding('utf8')
  }
  /** Reads until the text contains `match`, and then no further. */
  async readUntil(match: RegExp): Promise<string> {
    await new Promise<void>((resolve) => {
      this.socket.on('data', (chunk: string) => {
        this.text += chunk
        if (!match.test(this.text)) return
        this.socket.pause()
        resolve()
      })
    })
    return this.text
  }
  async ended(): Promise<string> {
    this.socket.on('data', (chunk: string) => (this.text += chunk))
    if (!this.socket.closed) await once(this.socket, 'close')
    return this.text
  }
}

function rawPost(path: string, body: object, headers: Record<string, string> = {}): string {
  const text = JSON.stringify(body)
  const all = {
    host: 'localhost',
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n${text}`
}

describe('a client that stops reading', () => {
  let endpoint: Endpoint
  let http: Server
  let port = 0
  const wires: Wire[] = []

  async function start(patience: number): Promise<string> {
    endpoint = createEndpoint(everything, {
      http: { maxBuffered: 64 * 1024, readTimeout: 500 },
      session: { heartbeat: 0 },
    })
    await new Promise<void>((resolve) => {
      http = serve({ fetch: endpoint.fetch, port: 0, hostname: '127.0.0.1' }, (info) => {
        port = info.port
        resolve()
      }) as Server
    })
    harden(http, patience)
    return `http://127.0.0.1:${port}/mcp`
  }
  afterEach(async () => {
    for (const { socket } of wires.splice(0)) socket.destroy()
    await endpoint.close()
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
  })

  test('is dropped, and gets the rest when it resumes', async () => {
    const url = await start(60_000)
    const session = await initialize(url)
    const message = 'x'.repeat(8_000)
    const wire = new Wire(port)
    wires.push(wire)
    // Twelve megabytes: more than the buffers of the system hold, and less than the log keeps.
    const call = toolCall(1, 'log', { level: 'info', message, times: 1_500 })
    wire.socket.write(rawPost('/mcp', call, { 'mcp-session-id': session.id, 'mcp-protocol-version': session.version }))
    const read = await wire.readUntil(/\nid: \S+\ndata: \{.*notifications\/message/)
    const lastId = [...read.matchAll(/\nid: (\S+)\ndata: .+\n\n/g)].at(-1)?.[1] ?? ''
    expect(lastId).not.toBe('')
    // The call runs to its end without its reader, and the connection is released.
    await eventually(async () =>
      endpoint.stats().connections === 0 && endpoint.stats().calls === 0 ? true : undefined,
    )
    const closed = new Promise<number>((resolve) => http.getConnections((_error, count) => resolve(count)))
    expect(await closed).toBeLessThanOrEqual(2)
    const reader = await getStream(url, session, lastId)
    const rest = await reader.rest()
    expect(rest.at(-1)).toMatchObject({ id: 1, result: {} })
    const before = [...read.matchAll(/\nid: \S+\ndata: .+\n\n/g)].length
    expect(before + rest.length).toBe(1_501)
  })

  test('of a large answer loses its connection', async () => {
    const url = await start(200)
    const session = await initialize(url)
    const wire = new Wire(port)
    wires.push(wire)
    const [[socket]] = (await Promise.all([once(http, 'connection'), once(wire.socket, 'connect')])) as [
      [Socket],
      unknown,
    ]
    const closed = once(socket, 'close')
    wire.socket.pause()
    const call = toolCall(1, 'large', { bytes: 10_000_000 })
    wire.socket.write(rawPost('/mcp', call, { accept: 'application/json', 'mcp-session-id': session.id }))
    await eventually(async () => (socket.writableLength > 1_000_000 ? true : undefined))
    await closed
    // The endpoint closed the connection, not the client.
    expect(wire.socket.destroyed).toBe(false)
  })
})

describe('the Node entry', () => {
  let stop: () => Promise<void>
  let port = 0

  beforeAll(async () => {
    const root = new URL('../..', import.meta.url).pathname
    const child = spawn(process.execPath, ['test/support/node-entry.ts', 'test/fixtures/everything.ts'], {
      cwd: root,
      env: { PATH: process.env.PATH, PORT: '0', REQUEST_SECONDS: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const die = () => child.kill('SIGKILL')
    process.once('exit', die)
    stop = async () => {
      process.removeListener('exit', die)
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    for await (const line of createInterface({ input: child.stdout })) {
      port = Number(/127\.0\.0\.1:(\d+)/.exec(line)?.[1])
      if (port > 0) break
    }
  })
  afterAll(() => stop())

  function refusalOf(text: string): { status: number; body: unknown } {
    const [head = '', body = ''] = text.split('\r\n\r\n')
    expect(head.toLowerCase()).toContain('content-type: application/json')
    return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), body: JSON.parse(body) }
  }
  const error = { jsonrpc: '2.0', error: { code: expect.any(Number), message: expect.any(String) } }

  test('gives up a body that arrives too slowly', async () => {
    const wire = new Wire(port)
    wire.socket.write(
      'POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n{',
    )
    const drip = setInterval(() => wire.socket.write(' '), 50)
    const text = await wire.ended()
    clearInterval(drip)
    expect(refusalOf(text)).toEqual({ status: 408, body: error })
  })

  test('gives up headers that arrive too slowly', async () => {
    const wire = new Wire(port)
    wire.socket.write('POST /mcp HTTP/1.1\r\n')
    const drip = setInterval(() => wire.socket.write('x-a: b\r\n'), 50)
    const text = await wire.ended()
    clearInterval(drip)
    expect(refusalOf(text)).toEqual({ status: 408, body: error })
  })

  test.each([
    ['headers that are too large', `GET /mcp HTTP/1.1\r\nhost: localhost\r\nx-a: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['what is no HTTP', 'EHLO mcp\r\n\r\n', 400],
    [
      'two lengths',
      'POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
  ])('refuses %s in JSON-RPC', async (_what, request, status) => {
    const wire = new Wire(port)
    wire.socket.write(request)
    expect(refusalOf(await wire.ended())).toEqual({ status, body: error })
  })

  test('serves a client while thousands of connections do nothing', { timeout: 120_000 }, async () => {
    const url = new URL(`http://127.0.0.1:${port}/mcp`)
    const sockets: Socket[] = []
    // Some send nothing, some stop in the middle of a request. The entry closes them after a second; they connect again.
    const occupy = (i: number) => {
      const socket = connect(port, '127.0.0.1')
      sockets[i] = socket
      socket.on('error', () => {})
      if (i % 2 === 0) socket.write('POST /mcp HTTP/1.1\r\nhost: localhost\r\n')
    }
    for (let i = 0; i < 2_000; i++) occupy(i)
    await Promise.all(sockets.map((socket) => (socket.connecting ? once(socket, 'connect') : undefined)))
    const held: { drop(): void }[] = []
    for (let i = 0; i < 200; i++) held.push(await getStream(url, await initialize(url)))
    const client = new Client({ name: 'working', version: '1' })
    await client.connect(new StreamableHTTPClientTransport(url) as never)
    for (let i = 0; i < 50; i++) {
      const { content } = await client.callTool({ name: 'echo', arguments: { message: `${i}` } })
      expect(content).toMatchObject([{ text: `${i}` }])
    }
    await client.close()
    for (const stream of held) stream.drop()
    for (const socket of sockets) socket.destroy()
    expect((await post(url, { jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(200)
  })
})
