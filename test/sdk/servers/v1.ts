/** Servers of `@modelcontextprotocol/sdk` 1.x, written as for any other transport. */
import { completable } from '@modelcontextprotocol/sdk/server/completable.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js'
import {
  CallToolRequestSchema,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
  ResultSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { type Loose, ofServer, type Reach, TOOLS } from './tools.ts'

function reach(low: Server, extra: Loose): Reach {
  const { requestInfo, authInfo, sessionId } = extra
  return {
    ...ofServer(low),
    notify: (notification) => extra.sendNotification(notification),
    ask: (request) => extra.sendRequest(request, ResultSchema),
    signal: extra.signal,
    meta: extra._meta,
    who: {
      sessionId,
      clientId: authInfo?.clientId,
      header: requestInfo?.headers['x-test'],
      url: requestInfo?.url?.search,
    },
  }
}

export function makeServer(): McpServer {
  const server = new McpServer(
    { name: 'official', version: '1.0.0', title: 'Official' },
    { capabilities: { logging: {}, resources: { subscribe: true } }, instructions: 'Use it.' },
  )
  for (const [name, { run, inputSchema = {}, ...config }] of Object.entries(TOOLS)) {
    server.registerTool(name, { ...config, inputSchema }, ((args: Loose, extra: Loose) =>
      run(args, reach(server.server, extra))) as Loose)
  }
  server.registerTool('grow', { description: 'Registers a tool and announces it' }, async () => {
    server.registerTool('grown', { description: 'New' }, async () => ({ content: [{ type: 'text', text: 'new' }] }))
    await server.server.sendResourceUpdated({ uri: 'note://1' })
    return { content: [{ type: 'text', text: 'grown' }] }
  })
  server.registerResource(
    'note',
    new ResourceTemplate('note://{id}', { list: undefined }),
    {},
    async (uri, { id }) => ({
      contents: [{ uri: uri.href, text: `note ${id}` }],
    }),
  )
  server.registerResource('fixed', 'fixed://one', { description: 'Fixed' }, async (uri) => ({
    contents: [{ uri: uri.href, text: 'one' }],
  }))
  const city = completable(z.string(), (typed) => ['Paris', 'Prague'].filter((name) => name.startsWith(typed)))
  server.registerPrompt('visit', { argsSchema: { city } as Loose }, (({ city: to }: Loose) => {
    if (to === 'Atlantis') throw new McpError(ErrorCode.InvalidParams, 'There is no such city', { city: to })
    return { messages: [{ role: 'user', content: { type: 'text', text: `Visit ${to}` } }] }
  }) as Loose)
  return server
}

/** The tools by `setRequestHandler`. */
export function makeLowLevel(): Server {
  const server = new Server({ name: 'low', version: '1.0.0' }, { capabilities: { tools: {}, logging: {} } })
  server.setRequestHandler(ListToolsRequestSchema, (_request, extra) => {
    const names = extra.authInfo?.clientId === 'limited' ? ['add'] : Object.keys(TOOLS)
    const tools = names.map((name) => {
      const { description, inputSchema = {}, annotations } = TOOLS[name] ?? { description: '' }
      return { name, description, inputSchema: z.toJSONSchema(z.object(inputSchema)) as Loose, annotations }
    })
    return { tools }
  })
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) => {
    const tool = TOOLS[params.name]
    if (!tool) throw new McpError(ErrorCode.InvalidParams, `No tool ${params.name}`)
    return tool.run(params.arguments ?? {}, reach(server, extra)) as Loose
  })
  return server
}

export const server = makeServer()
