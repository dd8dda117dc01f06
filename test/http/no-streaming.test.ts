/** `streaming: false`, for platforms that take a response only as a whole. */
import { expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { ACCEPT_BOTH, type RpcMessage } from '../support/raw.ts'

test('a session can neither open a stream nor subscribe to resources', async () => {
  const server = new McpServer({ name: 'no-streaming', version: '1' })
  server.registerResource('a', 'test://a', {}, () => ({ contents: [] }))
  const endpoint = createEndpoint(server, { streaming: false })
  const headers: Record<string, string> = { 'content-type': 'application/json', accept: ACCEPT_BOTH }
  const send = async (method: string, params: object) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    return endpoint.fetch(new Request('http://localhost/mcp', { method: 'POST', headers, body }))
  }
  const opened = await send('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'a', version: '1' },
  })
  headers['mcp-session-id'] = opened.headers.get('mcp-session-id') ?? ''
  expect(((await opened.json()) as RpcMessage).result.capabilities).toEqual({ resources: {} })
  expect((await endpoint.fetch(new Request('http://localhost/mcp', { headers }))).status).toBe(405)
  for (const method of ['resources/subscribe', 'resources/unsubscribe']) {
    const { error } = (await (await send(method, { uri: 'test://a' })).json()) as RpcMessage
    expect(error?.code).toBe(-32601)
  }
})
