/** Starts a measured server on a free port, and reports its port and its usage to the benchmark. */
import { serve } from '@hono/node-server'

export interface Usage {
  /** CPU time of the process so far, in µs. */
  cpu: number
  rss: number
  heap: number
  /** Heap and buffers. */
  total: number
  /** Errors that the endpoint has reported. */
  errors: number
}

/** The number of further tools that every server lists. */
export const LISTED_TOOLS = Number(process.env.BENCH_TOOLS ?? 0)
export const REDIS_URL = process.env.BENCH_REDIS

let errorsOf = () => 0

/** `errors`: how many errors were reported so far. */
export function start(
  fetch: (request: Request, env: never) => Response | Promise<Response>,
  errors: () => number = () => 0,
): void {
  errorsOf = errors
  // Connections rest between two measures.
  const serverOptions = { keepAliveTimeout: 620_000 }
  serve({ fetch: fetch as never, port: 0, hostname: '127.0.0.1', serverOptions }, ({ port }) => listens(port))
}

/** Reports the port of a server that listens by itself. */
export function listens(port: number): void {
  process.send?.({ port })
}

process.on('message', (message) => {
  if (message !== 'usage' && message !== 'memory') return
  if (message === 'memory') {
    const { gc } = globalThis as { gc?: () => void }
    gc?.()
    gc?.()
  }
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed, external } = process.memoryUsage()
  process.send?.({
    cpu: user + system,
    rss,
    heap: heapUsed,
    total: heapUsed + external,
    errors: errorsOf(),
  } satisfies Usage)
})

process.on('disconnect', () => process.exit(0))
