/** Node: Cloud Run, containers, a laptop. `node functions/node.ts [module that exports server]` */
import { pathToFileURL } from 'node:url'
import { serve } from '@hono/node-server'
import { createEndpoint } from '../lib/endpoint.ts'
import type { McpServer } from '../lib/server/server.ts'
import { memoryStore } from '../lib/store/memory.ts'
import { redisStore } from '../lib/store/redis/index.ts'
import { readEnvironment } from './environment.ts'

const settings = readEnvironment(process.env)
const file = process.argv[2]
const { server } = (await import(file ? pathToFileURL(file).href : './server.ts')) as { server: McpServer }
const store = settings.redisUrl ? redisStore(settings.redisUrl) : memoryStore()
const endpoint = createEndpoint(server, { store, ...settings.endpoint })

const http = serve({ fetch: endpoint.fetch, port: settings.port, hostname: settings.host }, ({ port }) => {
  const address = `http://${settings.host}:${port}/mcp`
  console.log(`MCP endpoint  ${address}`)
  console.log(`Sessions in   ${settings.redisUrl ? `Redis at ${settings.redisName}` : 'this process (set REDIS_URL to share them)'}`)
  console.log(`Try it        npx @modelcontextprotocol/inspector --cli ${address} --transport http --method tools/list`)
})

let closing = false
function shutDown(): void {
  if (closing) return
  closing = true
  http.close()
  endpoint.close().then(
    () => process.exit(0),
    (error) => {
      console.error(error)
      process.exit(1)
    },
  )
}
process.on('SIGTERM', shutDown)
process.on('SIGINT', shutDown)
