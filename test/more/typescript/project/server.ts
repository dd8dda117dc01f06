/** What an author writes, with the names of every entry. */
import {
  type AuthInfo,
  createEndpoint,
  createNotifier,
  type EndpointOptions,
  McpServer,
  memoryStore,
  onEvent,
  readKeyRing,
  sealedStore,
} from 'mcp-anywhere'
import { serveBuffered, serveStreaming } from 'mcp-anywhere/lambda'
import { listen } from 'mcp-anywhere/node'
import { redisStore } from 'mcp-anywhere/redis'
import { z } from 'zod'

export const server = new McpServer({ name: 'greeter', version: '1.0.0' })

server.registerTool(
  'greet',
  { inputSchema: z.object({ name: z.string() }), outputSchema: z.object({ greeting: z.string() }) },
  async ({ name }, ctx) => {
    await ctx.progress(1, 2)
    const answer = await ctx.elicit(`Greet ${name.toUpperCase()}?`, z.object({ sure: z.boolean() }))
    const sure: boolean = answer.action === 'accept' && answer.content.sure
    return { structuredContent: { greeting: sure ? 'Hello' : 'Bye' } }
  },
)

server.registerTool('wrong', { inputSchema: z.object({ n: z.number() }) }, ({ n }) => {
  // @ts-expect-error: the arguments have the types of the schema.
  n.toUpperCase()
  return { content: [] }
})

declare const url: string | undefined
const options: EndpointOptions = { store: sealedStore(redisStore(url), readKeyRing('key')) }
export const endpoint = createEndpoint(server, options)
export const inMemory = createEndpoint(server, { store: memoryStore() })
export const user = (auth: AuthInfo): string => auth.subject
export const handler = await serveStreaming(server)
export const buffered = await serveBuffered(server)

const response: Response = await endpoint.fetch(new Request('http://localhost/mcp'))
onEvent('call', ({ durationMs }) => console.log(durationMs.toFixed(), response.status))
await createNotifier(redisStore({ url, prefix: 'greeter' })).toolsChanged()
await listen(server)
