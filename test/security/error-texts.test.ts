/** Errors are reported to the author; clients get none of their texts. */
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { type Store, StoreUnavailable } from '../../lib/store/store.ts'

let endpoint: Endpoint | undefined
afterEach(() => endpoint?.close())

function start(store: Store, server: McpServer): void {
  endpoint = createEndpoint(server, { store, legacySse: true, onError: () => {} })
}

function send(method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<Response> {
  if (!endpoint) throw new Error('start() first')
  const request = new Request(`http://localhost:3000${path}`, {
    method,
    body: body === undefined ? null : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  })
  return Promise.resolve(endpoint.fetch(request))
}

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }

describe('an error response does not contain', () => {
  const SECRET = 'redis://:s3cret@10.0.0.5:6379'

  test('the address of the store, when that fails', async () => {
    const failing = () => Promise.reject(new StoreUnavailable(`Redis does not answer: connect ${SECRET}`))
    const store = { ...memoryStore(), createSession: failing, readSession: failing, getValue: failing }
    const server = new McpServer({ name: 'origin', version: '1' })
    server.registerTool('user', { inputSchema: z.object({}) }, async (_args, ctx) => ({
      content: [{ type: 'text', text: String(await ctx.user.get('x')) }],
    }))
    start(store, server)
    const initialize = { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25' } }
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'user', arguments: {}, _meta } }
    const modern = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'user' }
    const responses = [
      await send('POST', '/mcp', {}, initialize),
      await send('POST', '/mcp', { 'mcp-session-id': 'x' }, PING),
      await send('GET', '/mcp', { 'mcp-session-id': 'x', accept: 'text/event-stream' }),
      await send('GET', '/sse', {}),
      await send('POST', '/mcp', modern, call),
    ]
    for (const response of responses) expect(await response.text()).not.toMatch(/10\.0\.0\.5|s3cret|redis/i)
    expect(responses.slice(0, 4).map(({ status }) => status)).toEqual([503, 503, 503, 503])
  })

  test('the message of an unexpected error', async () => {
    const broken = () => Promise.reject(new TypeError(`cannot read ${SECRET} at /srv/app/lib/x.ts`))
    start({ ...memoryStore(), readSession: broken }, new McpServer({ name: 'errors', version: '1' }))
    const response = await send('POST', '/mcp', { 'mcp-session-id': 'x' }, PING)
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: { code: -32603, message: 'The endpoint failed to answer.' },
    })
  })
})
