import { createEndpoint, type Endpoint, type EndpointOptions } from '../endpoint.ts'
import type { McpServer } from '../server/mcp-server.ts'

/** `createEndpoint` for a process: a server or an option that cannot work stops the start with one line. */
export function endpointOrStop(server: McpServer, options: EndpointOptions): Endpoint {
  try {
    return createEndpoint(server, options)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    console.error(error.message)
    process.exit(1)
  }
}
