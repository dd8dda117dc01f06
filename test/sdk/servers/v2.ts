/** Servers of `@modelcontextprotocol/server` 2.x, written as for any other transport. */
import {
  acceptedContent,
  completable,
  inputRequired,
  McpServer,
  ProtocolError,
  ResourceTemplate,
  Server,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import { type Loose, ofServer, type Reach, TOOLS } from './tools.ts'

function reach(low: Server, ctx: Loose): Reach {
  const { mcpReq, http, sessionId } = ctx
  return {
    ...ofServer(low),
    notify: (notification) => mcpReq.notify(notification),
    ask: (request) => mcpReq.send(request),
    signal: mcpReq.signal,
    meta: mcpReq._meta,
    get who() {
      const { req, authInfo } = http ?? {}
      const url = req && new URL(req.url).search
      return { sessionId, clientId: authInfo?.clientId, header: req?.headers.get('x-test'), url }
    },
  }
}

export function makeServer(): McpServer {
  const server = new McpServer(
    { name: 'official', version: '1.0.0', title: 'Official' },
    { capabilities: { logging: {}, resources: { subscribe: true } }, instructions: 'Use it.' },
  )
  for (const [name, { run, inputSchema = {}, ...config }] of Object.entries(TOOLS)) {
    server.registerTool(name, { ...config, inputSchema: z.object(inputSchema) }, ((args: Loose, ctx: Loose) =>
      run(args, reach(server.server, ctx))) as Loose)
  }
  server.registerTool('grow', { description: 'Registers a tool and announces it' }, async () => {
    server.registerTool('grown', { description: 'New' }, async () => ({ content: [{ type: 'text', text: 'new' }] }))
    await server.server.sendResourceUpdated({ uri: 'note://1' })
    return { content: [{ type: 'text', text: 'grown' }] }
  })
  server.registerTool('ask_ctx', { description: 'Asks with ctx' }, (async (ctx: Loose) => {
    const requestedSchema = { type: 'object', properties: { name: { type: 'string' } } }
    const answer = await ctx.mcpReq.elicitInput({ message: 'Who?', requestedSchema })
    return { content: [{ type: 'text', text: JSON.stringify(answer) }] }
  }) as Loose)
  const name = z.object({ name: z.string() })
  server.registerTool(
    'input_required',
    { description: 'Returns what it needs', annotations: { readOnlyHint: true } },
    (async (ctx: Loose) => {
      const answer = acceptedContent(ctx.mcpReq.inputResponses, 'who', name) as { name: string } | undefined
      if (answer) return { content: [{ type: 'text', text: `Hello, ${answer.name}` }] }
      const requestedSchema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }
      return inputRequired({
        inputRequests: { who: inputRequired.elicit({ message: 'Who?', requestedSchema } as Loose) },
      })
    }) as Loose,
  )
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
  const city = completable(z.string(), (typed) => ['Paris', 'Prague'].filter((known) => known.startsWith(typed)))
  server.registerPrompt('visit', { argsSchema: z.object({ city }) }, ({ city: to }) => {
    if (to === 'Atlantis') throw new ProtocolError(-32602, 'There is no such city', { city: to })
    return { messages: [{ role: 'user', content: { type: 'text', text: `Visit ${to}` } }] }
  })
  return server
}

/** The tools by `setRequestHandler`. */
export function makeLowLevel(): Server {
  const server = new Server({ name: 'low', version: '1.0.0' }, { capabilities: { tools: {}, logging: {} } })
  server.setRequestHandler('tools/list', (_request, ctx) => {
    const names = ctx.http?.authInfo?.clientId === 'limited' ? ['add'] : Object.keys(TOOLS)
    const tools = names.map((name) => {
      const { description, inputSchema = {}, annotations } = TOOLS[name] ?? { description: '' }
      return { name, description, inputSchema: z.toJSONSchema(z.object(inputSchema)) as Loose, annotations }
    })
    return { tools } as Loose
  })
  server.setRequestHandler('tools/call', ({ params }, ctx) => {
    const tool = TOOLS[params.name]
    if (!tool) throw new ProtocolError(-32602, `No tool ${params.name}`)
    return tool.run(params.arguments ?? {}, reach(server, ctx)) as Loose
  })
  return server
}

export const server = makeServer()
