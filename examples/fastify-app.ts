/** In a Fastify app, beside its own routes. `node examples/fastify-app.ts` */
import fastify from 'fastify'
import { createEndpoint } from 'mcp-anywhere'
import { toNodeHandler } from 'mcp-anywhere/node'
import { redisStore } from 'mcp-anywhere/redis'
import { server } from './tools-and-progress.ts'

const { PORT = '3000', REDIS_URL } = process.env

const endpoint = createEndpoint(server, {
  // Without Redis the sessions are in this process.
  store: REDIS_URL ? redisStore(REDIS_URL) : undefined,
  allowedHosts: 'local',
})

// Streams that clients hold open do not keep the app from closing: the endpoint ends them.
const app = fastify({ forceCloseConnections: 'idle' })
// Fastify has parsed the body, and the endpoint takes it from there.
app.all('/mcp', toNodeHandler(endpoint))
app.get('/', async () => 'A page of the app')
app.post('/echo', async (request) => request.body)

const address = await app.listen({ port: Number(PORT), host: '127.0.0.1' })
console.log(`MCP endpoint  ${address}/mcp`)

process.once('SIGTERM', async () => {
  // Streams end in good order, calls finish or are handed over to other instances.
  await Promise.all([app.close(), endpoint.close()])
  process.exit()
})
