/** One conformance server in one process, behind the official SDK's own transports. It prints its port. */

import { serve } from '@hono/node-server'
import { InMemoryEventStore } from '@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js'
import { WebStandardStreamableHTTPServerTransport as Transport1 } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  isLegacyRequest,
  localhostAllowedHostnames,
  WebStandardStreamableHTTPServerTransport as Transport2,
} from '@modelcontextprotocol/server'

interface Transport {
  handleRequest(request: Request): Promise<Response>
}

/** Opens the transport of a new session, whose id it keeps. */
type Open = (keep: (id: string, transport: Transport) => void) => Promise<Transport>

/** As both lines want them. Their types differ. */
const options = () => ({
  sessionIdGenerator: () => crypto.randomUUID(),
  eventStore: new InMemoryEventStore() as never,
  retryInterval: 500,
})

async function open1(keep: Parameters<Open>[0]): Promise<Transport> {
  const { server } = await import('../fixtures/official/sdk1.ts')
  const transport = new Transport1({ ...options(), onsessioninitialized: (id) => keep(id, transport) })
  await server().connect(transport)
  return transport
}

async function open2(keep: Parameters<Open>[0]): Promise<Transport> {
  const { server } = await import('../fixtures/official/sdk2.ts')
  const transport = new Transport2({ ...options(), onsessioninitialized: (id) => keep(id, transport) })
  await server().connect(transport)
  return transport
}

/** A map of sessions, as the examples of the SDK have it. */
function sessions(open: Open): (request: Request) => Promise<Response> {
  const transports = new Map<string, Transport>()
  return async (request) => {
    const id = request.headers.get('mcp-session-id')
    const transport = id === null ? await open((key, opened) => transports.set(key, opened)) : transports.get(id)
    return transport ? transport.handleRequest(request) : new Response('Session not found', { status: 404 })
  }
}

async function handlerOf(line: string): Promise<(request: Request) => Promise<Response>> {
  if (line === '1.x') return sessions(open1)
  const { server } = await import('../fixtures/official/sdk2.ts')
  const older = sessions(open2)
  const modern = createMcpHandler(server, { legacy: 'reject' })
  return async (request) => ((await isLegacyRequest(request)) ? older(request) : modern.fetch(request))
}

const handle = await handlerOf(process.argv[2] ?? '')
const fetch = (request: Request) =>
  hostHeaderValidationResponse(request, localhostAllowedHostnames()) ?? handle(request)
serve({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => console.log(`listening ${port}`))
