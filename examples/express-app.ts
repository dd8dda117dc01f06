/** In an Express app, beside its own routes. `node examples/express-app.ts` */
import express from 'express'
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

const app = express()
app.use(express.json())
// Behind the parser: the endpoint takes the body that it has read. A middleware that checks tokens and sets `request.auth`, such
// as `requireBearerAuth` of the official SDK, comes before it, with `auth: 'middleware'` as an option of the endpoint.
app.all('/mcp', toNodeHandler(endpoint))
app.get('/', (_request, response) => {
  response.send('A page of the app')
})
app.post('/echo', (request, response) => {
  response.json(request.body)
})

const http = app.listen(Number(PORT), '127.0.0.1', () => {
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
