/** In a Hono app, beside its own routes. `node examples/hono-app.ts` */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createEndpoint, McpServer } from 'mcp-anywhere'
import { redisStore } from 'mcp-anywhere/redis'

const { PORT = '3000', REDIS_URL } = process.env

/** Stands for the database of the app. */
const orders: string[] = []

const server = new McpServer({ name: 'orders', version: '1.0.0' })
server.registerResource('open', 'orders://open', { mimeType: 'application/json' }, (uri) => ({
  contents: [{ uri: uri.href, mimeType: 'application/json', text: JSON.stringify(orders) }],
}))

const endpoint = createEndpoint(server, {
  // Without Redis the sessions are in this process.
  store: REDIS_URL ? redisStore(REDIS_URL) : undefined,
  allowedHosts: 'local',
})

const app = new Hono()
app.get('/', (c) => c.text(`${orders.length} orders`))
app.post('/orders', async (c) => {
  orders.push(await c.req.text())
  // Clients that subscribed to the resource get the update.
  await endpoint.notify.resourceUpdated('orders://open')
  return c.body(null, 201)
})
// Adds `/mcp` and `/healthz`. Where only `/mcp` is wanted: app.all('/mcp', (c) => endpoint.fetch(c.req.raw, c.env))
app.route('/', endpoint.app)

const http = serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' }, ({ port }) => {
  console.log(`MCP endpoint  http://127.0.0.1:${port}/mcp`)
})

process.once('SIGTERM', async () => {
  http.close()
  // Streams end in good order, calls finish or are handed over to other instances.
  await endpoint.close()
  // A second for the last bytes: connections that clients keep open do not hold the process.
  setTimeout(() => process.exit(), 1_000).unref()
})
