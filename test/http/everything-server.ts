/** The everything server on a real socket, in this process, with a store in memory. */

import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { everything } from '../fixtures/everything.ts'

export interface EverythingServer {
  endpoint: Endpoint
  url: URL
  port: number
  stop(): Promise<void>
}

export async function startEverything(options: EndpointOptions = {}): Promise<EverythingServer> {
  const endpoint = createEndpoint(everything(), { allowedHosts: 'local', ...options })
  const http = await new Promise<Server>((resolve) => {
    const started = serve({ fetch: endpoint.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(started as Server))
  })
  const { port } = http.address() as AddressInfo
  return {
    endpoint,
    port,
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    async stop() {
      await endpoint.close()
      http.closeAllConnections()
      await new Promise<void>((resolve) => http.close(() => resolve()))
    },
  }
}
