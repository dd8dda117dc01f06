import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { InMemorySessionAdapter, McpServer, StreamableHttpTransport } from 'mcp-lite'
import { z } from 'zod'

const server = new McpServer({
  name: 'trips',
  version: '1.0.0',
  schemaAdapter: (schema) => z.toJSONSchema(schema as z.ZodType),
})

server.tool('plan', {
  description: 'Plans a trip',
  inputSchema: z.object({ city: z.string() }),
  annotations: { readOnlyHint: true },
  handler: async ({ city }, ctx) => {
    await ctx.progress?.({ progress: 1, total: 2 })
    return { content: [{ type: 'text', text: `3 days in ${city}` }] }
  },
})

server.resource('trips://last', { name: 'last', mimeType: 'text/plain' }, async (uri) => ({
  contents: [{ uri: uri.href, type: 'text', mimeType: 'text/plain', text: 'Paris' }],
}))

const transport = new StreamableHttpTransport({
  sessionAdapter: new InMemorySessionAdapter({ maxEventBufferSize: 1_024 }),
})
const handle = transport.bind(server)

const app = new Hono()
app.all('/mcp', (c) => handle(c.req.raw))

const { PORT = '3000' } = process.env
serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' }, () => {
  console.log(`http://127.0.0.1:${PORT}/mcp`)
})
