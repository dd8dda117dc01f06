/** A server without a schema library, so that the start measures the endpoint alone. */
import { McpServer } from '../../../lib/server/mcp-server.ts'

export const server = new McpServer({ name: 'cold', version: '1.0.0' })

server.registerTool(
  'echo',
  { description: 'Says it again.', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } },
  (args) => ({ content: [{ type: 'text', text: String((args as { text?: unknown }).text) }] }),
)
