/** An app with a store of your own, and its measures at `/metrics`. `node examples/own-store/app.ts` */
import { serve } from '@hono/node-server'
import { createEndpoint, memoryStore } from 'mcp-anywhere'
import { redisStore } from 'mcp-anywhere/redis'
import { server } from '../resources-and-prompts.ts'
import { meteredStore, prometheusText } from './metered-store.ts'

const { PORT = '3000', REDIS_URL } = process.env

const { store, measures } = meteredStore(REDIS_URL ? redisStore(REDIS_URL) : memoryStore())
const endpoint = createEndpoint(server, { store, allowedHosts: 'local' })
// The endpoint is a Hono app: it takes further routes.
endpoint.app.get('/metrics', (c) => c.text(prometheusText(measures)))

const http = serve({ fetch: endpoint.fetch, port: Number(PORT), hostname: '127.0.0.1' }, ({ port }) => {
  console.log(`MCP endpoint  http://127.0.0.1:${port}/mcp`)
})

process.once('SIGTERM', async () => {
  http.close()
  // Streams end in good order, calls finish or are handed over to other instances.
  await endpoint.close()
  // A second for the last bytes: connections that clients keep open do not hold the process.
  setTimeout(() => process.exit(), 1_000).unref()
})
