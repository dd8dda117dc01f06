/** The first answer of a new instance whose Redis is at a distance. */
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { DistantRedis } from './distant-redis.ts'

const KEYS = [Buffer.alloc(32, 7)]

interface First {
  status: number
  session: string | undefined
  /** Round trips between the start of the instance and its answer, without the handshakes of TLS. */
  trips: number
  ms: number
}

/** Starts an instance as an entry does, and sends it `initialize`, or a call in a session. */
export async function firstAnswer({ distance, options }: DistantRedis, session?: string): Promise<First> {
  const server = new McpServer({ name: 'far', version: '1.0.0' })
  server.registerTool('echo', { description: 'Says it again.' }, () => ({ content: [] }))
  const began = performance.now()
  distance.begin()
  const store = redisStore({ ...options, commandTimeout: 10_000 })
  store.open?.()
  const endpoint = createEndpoint(server, { store, keys: KEYS })
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' }
  const init = {
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
  }
  const message = session === undefined ? init : { method: 'tools/call', params: { name: 'echo', arguments: {} } }
  try {
    const response = await endpoint.fetch(
      new Request('http://localhost/mcp', {
        method: 'POST',
        headers: session === undefined ? headers : { ...headers, 'Mcp-Session-Id': session },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
      }),
    )
    await response.text()
    const opened = response.headers.get('mcp-session-id') ?? undefined
    return { status: response.status, session: opened, trips: distance.trips, ms: performance.now() - began }
  } finally {
    await endpoint.close()
  }
}
