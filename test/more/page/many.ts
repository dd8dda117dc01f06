/** A server with 200 tools. */
import { z } from 'zod'
import { McpServer } from '../../../lib/index.ts'
import { page } from '../../../lib/page.ts'

export const server = new McpServer({ name: 'many', version: '1.0.0' })

for (let n = 1; n <= 200; n++) {
  const name = `tool_${String(n).padStart(3, '0')}`
  const inputSchema = z.object({ value: z.string().default(name) })
  server.registerTool(name, { description: `Repeats its value. It is number ${n}.`, inputSchema }, ({ value }) => ({
    content: [{ type: 'text', text: value }],
  }))
}

export const serving = { page }
