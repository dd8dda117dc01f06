/** The responses that are counted as waiting output: each is forgotten when its reader has it, and the only one is not cut. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { serve } from '@hono/node-server'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../lib/base/clock.ts'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { streamBody } from '../../lib/http/stream-body.ts'
import type { ResponseWriter } from '../../lib/runtime/reply.ts'
import { WaitingOutput } from '../../lib/runtime/waiting-output.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { ask, body, headers, META, send, tool } from '../stateless/requests.ts'
import { eventually } from '../support/eventually.ts'
import { ACCEPT_BOTH } from '../support/raw.ts'

const MIB = 1024 * 1024

let endpoint: Endpoint
let http: Server
let url: string
const counts: WaitingOutput[] = []

const server = new McpServer({ name: 'output', version: '1' })
server.registerTool('log', { inputSchema: { type: 'object' } }, async (args, ctx) => {
  await ctx.log('info', 'x'.repeat(Number(args.bytes)))
  // The log and the result leave in two turns: the second report is a small one.
  await new Promise((resolve) => setImmediate(resolve))
  return { content: [{ type: 'text', text: 'done' }] }
})
server.registerTool('large', { inputSchema: { type: 'object' } }, (args) => ({
  content: [{ type: 'text', text: 'x'.repeat(Number(args.bytes)) }],
}))

async function start(options: EndpointOptions = {}): Promise<void> {
  const report = WaitingOutput.prototype.report
  vi.spyOn(WaitingOutput.prototype, 'report').mockImplementation(function (this: WaitingOutput, ...args) {
    if (!counts.includes(this)) counts.push(this)
    return report.apply(this, args)
  })
  endpoint = createEndpoint(server, { allowedHosts: 'local', onError: () => {}, ...options })
  http = serve({ fetch: endpoint.fetch, port: 0, hostname: '127.0.0.1' }) as Server
  await once(http, 'listening')
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`
}

afterEach(async () => {
  vi.restoreAllMocks()
  counts.length = 0
  await endpoint.close()
  http.closeAllConnections()
  http.close()
})

const log = (bytes: number) => ({ ...tool('log', { bytes }), meta: { [META.logLevel]: 'debug' } })

describe('a response that is counted', () => {
  test('is forgotten when its reader has all of it', async () => {
    await start()
    for (let i = 0; i < 20; i++) expect((await ask(url, log(20_000))).result).toMatchObject({ content: [{}] })
    expect(counts).toHaveLength(1)
    await eventually(async () => (counts[0]?.responses === 0 ? true : undefined))
  })

  test('is forgotten where its body is read after the end', async () => {
    await start()
    const request = log(20_000)
    const made = new Request('http://localhost/mcp', {
      method: 'POST',
      headers: { accept: ACCEPT_BOTH, 'content-type': 'application/json', ...headers(request) },
      body: JSON.stringify(body(request)),
    })
    const response = await endpoint.fetch(made)
    await endpoint.settled()
    expect(counts[0]?.responses).toBe(1)
    expect(await response.text()).toContain('done')
    expect(counts[0]?.responses).toBe(0)
  })

  test('is forgotten while it is open, when little waits', () => {
    const output = new WaitingOutput(MIB)
    const one = { client: undefined, waiting: () => 0, cut: () => {} }
    expect(output.report(one, 20_000)).toBe(true)
    expect(output.responses).toBe(1)
    expect(output.report(one, 20)).toBe(true)
    expect(output.responses).toBe(0)
  })

  test('counts with what its source keeps for the reader, until the reader has that', async () => {
    const output = new WaitingOutput(MIB)
    const writers: ResponseWriter[] = []
    const detached = vi.fn()
    const source = { attach: (made: ResponseWriter) => void writers.push(made), detached }
    const parts = { maxBuffered: 64_000, readTimeout: 60_000, clock: systemClock, output, client: undefined }
    const [, second] = [streamBody(source, parts), streamBody(source, parts)]
    const [one, two] = writers
    one?.keeps(300_000)
    two?.keeps(500_000)
    expect(output.used).toBe(800_000)
    one?.keeps(-200_000)
    expect(output.used).toBe(600_000)
    one?.keeps(-100_000)
    expect(output.responses).toBe(1)
    // Beyond the bound the response that keeps most is given up.
    one?.keeps(700_000)
    await eventually(async () => (detached.mock.calls.length === 1 ? true : undefined))
    expect(output.used).toBe(500_000)
    await second.cancel()
    expect(output.responses).toBe(0)
  })

  test('is larger than the bound, and whole, where it is the only such one', async () => {
    await start({ http: { maxMemory: MIB } })
    for (let i = 0; i < 3; i++) {
      const response = await send(url, tool('large', { bytes: 2 * MIB }))
      expect(response.status).toBe(200)
      expect((await response.text()).length).toBeGreaterThan(2 * MIB)
    }
    const text = await (await send(url, log(MIB))).text()
    expect(text).toContain('done')
  })

  test('does not begin where another one is larger than the bound: it is an error with the reason', async () => {
    await start({ http: { maxMemory: MIB } })
    const request = tool('large', { bytes: 32 * MIB })
    const text = JSON.stringify(body(request))
    const lines = Object.entries({ host: 'localhost', accept: ACCEPT_BOTH, ...headers(request) })
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.pause()
    socket.write(
      `POST /mcp HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n` +
        `${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${text}`,
    )
    await eventually(async () => (counts[0]?.responses === 1 ? true : undefined))
    const refused = await send(url, tool('large', { bytes: 2 * MIB }))
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await refused.json()).toMatchObject({ id: 1, error: { message: expect.stringContaining('http.maxMemory') } })
    const small = await send(url, tool('large', { bytes: 100_000 }))
    expect(small.status).toBe(200)
    expect((await small.text()).length).toBeGreaterThan(100_000)
    let received = 0
    socket.on('data', (chunk) => {
      received += chunk.length
    })
    socket.resume()
    await eventually(async () => (received > 32 * MIB ? true : undefined))
    socket.destroy()
  })
})
