/** The official SDK 2.x: its handler for the stateless revision, its transport with sessions in memory, or the same server in this endpoint. */

import { InMemoryEventStore } from '@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js'
import type { EventStore } from '@modelcontextprotocol/server'
import { createMcpHandler, McpServer, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server'
import { Hono } from 'hono'
import { DONE, ECHO, echoed, echoInput, listedTool, STEPS, stepsInput } from '../tools.ts'
import { LISTED_TOOLS, start } from './serve.ts'

const streaming = process.env.BENCH_STREAMING === '1'
const transports = new Map<string, WebStandardStreamableHTTPServerTransport>()

function newServer(): McpServer {
  const server = new McpServer({ name: 'bench', version: '1.0.0' })
  for (let n = 0; n < LISTED_TOOLS; n++) {
    const { name, ...config } = listedTool(n)
    server.registerTool(name, config, () => DONE)
  }
  if (LISTED_TOOLS > 0) return server
  server.registerTool(ECHO, { description: 'Says it again.', inputSchema: echoInput }, (args) => echoed(args))
  server.registerTool(STEPS, { description: 'Sends progress.', inputSchema: stepsInput }, async ({ steps }, ctx) => {
    const progressToken = ctx.mcpReq._meta?.progressToken ?? 't'
    for (let progress = 1; progress <= steps; progress++) {
      await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress } })
    }
    return DONE
  })
  return server
}

async function newTransport(): Promise<WebStandardStreamableHTTPServerTransport> {
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => crypto.randomUUID(),
    onsessioninitialized: (id) => void transports.set(id, transport),
    enableJsonResponse: !streaming,
    ...(streaming && { eventStore: new InMemoryEventStore() as unknown as EventStore }),
  })
  await newServer().connect(transport)
  return transport
}

const app = new Hono()
if (process.env.BENCH_ENDPOINT === '1') {
  // Loaded here, since the others are measured without it.
  await (await import('./endpoint.ts')).startEndpoint(newServer())
} else if (process.env.BENCH_STATELESS === '1') {
  const handler = createMcpHandler(() => newServer())
  app.all('/mcp', (c) => handler.fetch(c.req.raw))
  start(app.fetch)
} else {
  app.all('/mcp', async (c) => {
    const id = c.req.header('mcp-session-id')
    const transport = id === undefined ? await newTransport() : transports.get(id)
    return transport ? transport.handleRequest(c.req.raw) : c.text('', 404)
  })
  start(app.fetch)
}
