/** tmcp with sessions in Redis, and calls without a session. */
import { ZodJsonSchemaAdapter } from '@tmcp/adapter-zod'
import {
  RedisInfoSessionManager,
  RedisStreamSessionManager,
  RedisSubscriptionManager,
} from '@tmcp/session-manager-redis'
import { HttpTransport } from '@tmcp/transport-http'
import { McpServer } from 'tmcp'
import { REDIS_URL, start } from '../servers/serve.ts'
import { ECHO, echoed, echoInput } from '../tools.ts'

const server = new McpServer(
  { name: 'bench', version: '1.0.0', description: 'Says it again.' },
  { adapter: new ZodJsonSchemaAdapter(), capabilities: { tools: { listChanged: true } } },
)
server.tool({ name: ECHO, description: 'Says it again.', schema: echoInput }, (args) => echoed(args))

const shared = (url: string) => ({
  sessionManager: { streams: new RedisStreamSessionManager(url), info: new RedisInfoSessionManager(url) },
  subscriptionManager: new RedisSubscriptionManager(url),
})
const transport = new HttpTransport(server, { path: '/mcp', ...(REDIS_URL !== undefined && shared(REDIS_URL)) })

start(async (request) => (await transport.respond(request)) ?? new Response(null, { status: 404 }))
