/** In a server of `node:http`, beside its own pages. `node examples/node-app.ts` */
import { createServer } from 'node:http'
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
const mcp = toNodeHandler(endpoint)

const http = createServer((request, response) => {
  if (request.url === '/') response.end('A page of the app')
  // Other paths are 404.
  else mcp(request, response)
})

http.listen(Number(PORT), '127.0.0.1', () => {
  const address = http.address()
  if (address !== null && typeof address === 'object') {
    console.log(`MCP endpoint  http://127.0.0.1:${address.port}/mcp`)
  }
})

process.once('SIGTERM', async () => {
  http.close()
  // Streams end in good order, calls finish or are handed over to other instances.
  await endpoint.close()
  // A second for the last bytes: connections that clients keep open do not hold the process.
  setTimeout(() => process.exit(), 1_000).unref()
})
