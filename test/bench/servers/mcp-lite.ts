/** mcp-lite: without adapters, or with its sessions in memory. */
import { Hono } from 'hono'
import { InMemorySessionAdapter, McpServer, StreamableHttpTransport } from 'mcp-lite'
import { z } from 'zod'
import { DONE, ECHO, echoed, echoInput, listedTool, STEPS, stepsInput } from '../tools.ts'
import { LISTED_TOOLS, start } from './serve.ts'

const server = new McpServer({
  name: 'bench',
  version: '1.0.0',
  schemaAdapter: (schema) => z.toJSONSchema(schema as z.ZodType),
})
for (let n = 0; n < LISTED_TOOLS; n++) {
  const { name, ...config } = listedTool(n)
  server.tool(name, { ...config, handler: () => DONE })
}
if (LISTED_TOOLS === 0) {
  server.tool(ECHO, { description: 'Says it again.', inputSchema: echoInput, handler: (args) => echoed(args) })
  server.tool(STEPS, {
    description: 'Sends progress.',
    inputSchema: stepsInput,
    handler: async ({ steps }, ctx) => {
      for (let progress = 1; progress <= steps; progress++) await ctx.progress?.({ progress })
      return DONE
    },
  })
}

const sessions = { sessionAdapter: new InMemorySessionAdapter({ maxEventBufferSize: 1_024 }) }
const transport = new StreamableHttpTransport(process.env.BENCH_STATELESS === '1' ? {} : sessions)
const handle = transport.bind(server)
const app = new Hono()
app.all('/mcp', (c) => handle(c.req.raw))
start(app.fetch)
