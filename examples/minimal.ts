/** The smallest server: one tool. `npm start -- examples/minimal.ts` */
import { McpServer } from 'mcp-anywhere'
import { z } from 'zod'

export const server = new McpServer({ name: 'minimal', version: '1.0.0' })

server.registerTool(
  'greet',
  { description: 'Greets a person', inputSchema: z.object({ name: z.string() }) },
  ({ name }) => ({ content: [{ type: 'text', text: `Hello, ${name}!` }] }),
)
