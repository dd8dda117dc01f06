/** The official SDK 1.x: with sessions in memory or without sessions, as in its examples, or the same server in this endpoint. */
import { InMemoryEventStore } from '@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
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
  server.registerTool(STEPS, { description: 'Sends progress.', inputSchema: stepsInput }, async ({ steps }, extra) => {
    const progressToken = extra._meta?.progressToken ?? 't'
    for (let progress = 1; progress <= steps; progress++) {
      await extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress } })
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
    ...(streaming && { eventStore: new InMemoryEventStore() }),
  })
  await newServer().connect(transport)
  return transport
}

/** A server and a transport for each request, as in its examples without sessions. */
async function once(request: Request): Promise<Response> {
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true })
  await newServer().connect(transport)
  return transport.handleRequest(request)
}

const app = new Hono()
if (process.env.BENCH_ENDPOINT === '1') {
  // Loaded here, since the others are measured without it.
  await (await import('./endpoint.ts')).startEndpoint(newServer())
} else if (process.env.BENCH_STATELESS === '1') {
  app.all('/mcp', (c) => once(c.req.raw))
  start(app.fetch)
} else {
  app.all('/mcp', async (c) => {
    const id = c.req.header('mcp-session-id')
    const transport = id === undefined ? await newTransport() : transports.get(id)
    return transport ? transport.handleRequest(c.req.raw) : c.text('', 404)
  })
  start(app.fetch)
}
