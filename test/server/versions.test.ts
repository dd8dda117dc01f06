/** A call that was begun by another version of its handler goes on, and the log says so. */
import { type Context, McpServer } from 'mcp-anywhere'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createEndpoint } from '../../lib/endpoint.ts'
import { dispatcherOf } from '../../lib/server/own-dispatcher.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'

const ask = async (ctx: Context) => {
  const { content } = await ctx.elicit('Sure?', z.object({ sure: z.boolean() }), { key: 'sure' })
  return { content: [{ type: 'text' as const, text: String(content?.sure) }] }
}
const other = async (ctx: Context) => ask(ctx)

function served(handler: (ctx: Context) => ReturnType<typeof ask>, version?: string) {
  const server = new McpServer({ name: 'versions', version: '1' })
  server.registerTool('pay', { durable: true, version }, handler)
  return server
}

const versionOf = (server: McpServer) => dispatcherOf(server).policyOf('tools/call', { name: 'pay' }).version

test('a version is the digest of the source of the handler, or what its author says', () => {
  expect(versionOf(served(ask))).toBe(versionOf(served(ask)))
  expect(versionOf(served(ask))).not.toBe(versionOf(served(other)))
  expect(versionOf(served(ask, 'a'))).toBe('a')
})

test.each([
  ['a', 'a', []],
  ['a', 'b', ['The tool "pay" goes on with a call that another version of its handler has begun (version a, now b)']],
])('2026-07-28: the retry of a call of version %s at version %s', async (was, is, warnings) => {
  const reports: string[] = []
  const keys = [new Uint8Array(32).fill(1)]
  const store = memoryStore()
  const endpoints = [was, is].map((version) =>
    createEndpoint(served(ask, version), {
      keys,
      store,
      onError: (error) => reports.push((error as Error).message),
    }),
  )
  const post = async (at: number, more: object) => {
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
    }
    const params = { name: 'pay', arguments: {}, _meta: meta, ...more }
    const headers = {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'pay',
    }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
    const request = new Request('http://localhost/mcp', { method: 'POST', headers, body })
    const response = (await endpoints[at]?.fetch(request)) as Response
    const { result } = (await response.json()) as { result: { requestState?: string; content?: unknown } }
    return result
  }
  const { requestState } = await post(0, {})
  const answers = { sure: { action: 'accept', content: { sure: true } } }
  const result = await post(1, { requestState, inputResponses: answers })
  expect(result.content).toEqual([{ type: 'text', text: 'true' }])
  expect(reports).toEqual(warnings.map((text) => expect.stringContaining(text)))
  for (const endpoint of endpoints) await endpoint.close()
})
