/** Imports every entry of the package, and calls a tool in this process. */
import { readFileSync } from 'node:fs'
import { createEndpoint, McpServer } from 'mcp-anywhere'

const manifest = JSON.parse(readFileSync('node_modules/mcp-anywhere/package.json', 'utf8'))
for (const entry of Object.keys(manifest.exports).filter((name) => !name.endsWith('.json'))) {
  await import(`mcp-anywhere${entry.slice(1)}`)
}

const server = new McpServer({ name: 'adder', version: '1.0.0' })
server.registerTool('add', { inputSchema: { type: 'object' } }, ({ a, b }) => ({
  content: [{ type: 'text', text: String(a + b) }],
}))
const endpoint = createEndpoint(server)
const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const post = (body, more = {}) =>
  endpoint.fetch(
    new Request('http://localhost/mcp', {
      method: 'POST',
      headers: { ...headers, ...more },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }),
    }),
  )
const clientInfo = { name: 'test', version: '1.0.0' }
const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
const begun = await post({ method: 'initialize', params })
const session = { 'mcp-session-id': begun.headers.get('mcp-session-id') }
const called = await post({ method: 'tools/call', params: { name: 'add', arguments: { a: 2, b: 3 } } }, session)
const { result } = await called.json()
await endpoint.close()
console.log(result.content[0].text)
