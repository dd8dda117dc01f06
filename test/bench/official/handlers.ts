/** One server with the same tools, by whatever answers its requests: an endpoint of this project, or a handler of the official SDK. */
import { McpServer as McpServer1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import { createMcpHandler, McpServer as McpServer2 } from '@modelcontextprotocol/server'
import { createEndpoint } from '../../../lib/endpoint.ts'
import { McpServer } from '../../../lib/server/mcp-server.ts'
import { DONE, ECHO, echoed, echoInput, listedTool } from '../tools.ts'

/** `own`: a server of this project. The others are of the official SDK, in the line that the name begins with. */
export const HANDLERS = [
  'own',
  '1.x, shared',
  '2.x, shared',
  '1.x, per session',
  '2.x, per session',
  '1.x, transport of the SDK',
  '2.x, createMcpHandler of the SDK',
] as const
export type HandlerName = (typeof HANDLERS)[number]

export type Fetch = (request: Request) => Promise<Response>

const info = { name: 'bench', version: '1.0.0' }
const echo = { description: 'Says it again.', inputSchema: echoInput }

/** What the servers of all three have in common. Each has types of its own for the same calls. */
interface Registering {
  registerTool(name: string, config: object, handler: (args: never) => unknown): unknown
}

function filled<S extends object>(server: S, tools: number): S {
  const { registerTool } = server as unknown as Registering
  const register: Registering['registerTool'] = (...args) => Reflect.apply(registerTool, server, args)
  register(ECHO, echo, async (args: Parameters<typeof echoed>[0]) => echoed(args))
  for (let n = 0; n < tools; n++) {
    const { name, ...config } = listedTool(n)
    register(name, config, async () => DONE)
  }
  return server
}

/** Sessions in a map, as the examples of the SDK have them. */
function transports(make: () => McpServer1): Fetch {
  const open = new Map<string, WebStandardStreamableHTTPServerTransport>()
  const opened = async () => {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => void open.set(id, transport),
      enableJsonResponse: true,
    })
    await make().connect(transport)
    return transport
  }
  return async (request) => {
    const id = request.headers.get('mcp-session-id')
    const transport = id === null ? await opened() : open.get(id)
    return transport ? transport.handleRequest(request) : new Response('', { status: 404 })
  }
}

/** @param tools beside the one that is called */
export async function handlerOf(name: HandlerName, tools: number): Promise<Fetch> {
  const one = () => filled(new McpServer1(info), tools)
  const two = () => filled(new McpServer2(info), tools)
  if (name === '1.x, transport of the SDK') return transports(one)
  if (name === '2.x, createMcpHandler of the SDK') return createMcpHandler(two).fetch
  // The memory of many sessions is measured, and all are of one address.
  const limits = { http: { addressRate: undefined } }
  const served = {
    own: () => createEndpoint(filled(new McpServer(info), tools), limits),
    '1.x, shared': () => createEndpoint(one(), limits),
    '2.x, shared': () => createEndpoint(two(), limits),
    '1.x, per session': () => createEndpoint(one, { ...limits, instances: 'session' }),
    '2.x, per session': () => createEndpoint(two, { ...limits, instances: 'session' }),
  }
  const endpoint = served[name]()
  await endpoint.ready()
  return (request) => endpoint.fetch(request)
}
