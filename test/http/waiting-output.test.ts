/** The responses that are counted as waiting output: each is forgotten when its reader has it. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { WaitingOutput } from '../../lib/runtime/waiting-output.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { ask, body, headers, META, tool } from '../stateless/requests.ts'
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
})
