/** Serves an endpoint on a free port of this process, which prints the port, and drains at SIGTERM. */
import { flushCompileCache } from 'node:module'
import { serve } from '@hono/node-server'
import type { Endpoint } from '../../lib/endpoint.ts'

export function serveInstance(endpoint: Endpoint): void {
  const http = serve({ fetch: endpoint.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
    console.log(`listening ${port}`)
    // Most instances of tests are killed, and Node writes its cache at the end of a process.
    flushCompileCache()
  })
  process.on('SIGTERM', () => {
    http.close()
    endpoint.close().then(
      () => process.exit(0),
      (error) => {
        console.error(error)
        process.exit(1)
      },
    )
  })
}
