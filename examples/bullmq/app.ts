/** An instance that clients call. `REDIS_URL=… MCP_SECRET=… node examples/bullmq/app.ts`, as often as you like. */
import { serve } from '@hono/node-server'
import { createEndpoint, readKeyRing } from 'mcp-anywhere'
import { redisStore } from 'mcp-anywhere/redis'
import { bullExecutor } from './legs.ts'
import { server } from './server.ts'

const { PORT = '3000', REDIS_URL = 'redis://127.0.0.1:6379', MCP_SECRET = '' } = process.env

const { executor, close } = bullExecutor(REDIS_URL)
const endpoint = createEndpoint(server, {
  store: redisStore(REDIS_URL),
  keys: readKeyRing(MCP_SECRET),
  allowedHosts: 'local',
  executor,
})

const http = serve({ fetch: endpoint.fetch, port: Number(PORT), hostname: '127.0.0.1' }, ({ port }) => {
  console.log(`MCP endpoint  http://127.0.0.1:${port}/mcp`)
})

process.once('SIGTERM', async () => {
  http.close()
  await endpoint.close()
  await close()
  setTimeout(() => process.exit(), 1_000).unref()
})
