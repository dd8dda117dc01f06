/** Records of sessions that the store keeps in this process are read once, and not once for each request. */
import { expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { ACCEPT_BOTH, type RpcMessage, request } from '../support/raw.ts'

const MINUTE = 60_000

test('the memory store keeps what was made of a record until the record changes', async () => {
  const store = memoryStore()
  await store.createSession('k', 'one', MINUTE)
  const first = await store.readSession('k', MINUTE)
  expect(first?.kept).toBeDefined()
  expect((await store.readSession('k', undefined))?.kept).toBe(first?.kept)
  await store.replaceRecord('k', 'two')
  const second = await store.readSession('k', MINUTE)
  expect(second?.record).toBe('two')
  expect(second?.kept).not.toBe(first?.kept)
  await store.deleteSession('k')
  await store.createSession('k', 'two', MINUTE)
  expect((await store.readSession('k', MINUTE))?.kept).not.toBe(second?.kept)
  await store.close()
})

test('a handler cannot change what later requests of its session read', async () => {
  const server = new McpServer({ name: 'kept', version: '1' })
  server.registerTool('change', {}, (ctx) => {
    Reflect.set(ctx.client.capabilities, 'sampling', {})
    Reflect.set(ctx.client.info ?? {}, 'name', 'other')
    return { content: [{ type: 'text', text: JSON.stringify(ctx.client) }] }
  })
  const endpoint = createEndpoint(server)
  const post = async (body: object, more: Record<string, string> = {}) => {
    const headers = { accept: ACCEPT_BOTH, 'content-type': 'application/json', ...more }
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    return endpoint.fetch(new Request('http://localhost/mcp', init))
  }
  const client = { capabilities: { elicitation: { form: {} } }, clientInfo: { name: 'c', version: '1' } }
  const opened = await post(request(0, 'initialize', { protocolVersion: '2025-11-25', ...client }))
  const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
  for (const id of [1, 2]) {
    const response = await post(request(id, 'tools/call', { name: 'change' }), session)
    const { result } = (await response.json()) as RpcMessage
    expect(JSON.parse(result.content[0].text)).toEqual({ capabilities: client.capabilities, info: client.clientInfo })
  }
  await endpoint.close()
})
