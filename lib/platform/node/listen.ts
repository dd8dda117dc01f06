/** A process that listens by itself: the HTTP server, one log line for each request, and `/readyz`. */
import type { IncomingMessage, Server } from 'node:http'
import { type HttpBindings, serve } from '@hono/node-server'
import { createEndpoint, type Endpoint } from '../../endpoint.ts'
import type { McpServer } from '../../server/mcp-server.ts'
import { type Store, StoreRefused } from '../../store/store.ts'
import { readEnvironment, type Settings } from '../environment.ts'
import { endOnException, logRejections } from '../faults.ts'
import { errorLine, type RequestLog, requestLog } from '../log.ts'
import { openStore } from '../store.ts'
import { drainOnSignals } from './drain.ts'
import { harden } from './harden.ts'
import { createCheckedServer } from './target.ts'

/** Serves `server` with the settings of the environment, until the process gets SIGTERM or SIGINT. */
export async function listen(server: McpServer): Promise<void> {
  const settings = readEnvironment(process.env)
  const log = requestLog(settings)
  for (const warning of settings.warnings) {
    if (log) log.say('WARNING', warning)
    else console.error(`WARNING: ${warning}`)
  }
  const onError = (error: unknown) => {
    const text = errorLine(error)
    if (log) log.say('ERROR', text)
    else console.error(text)
  }
  // What stops the start has one line, which `tryStore` prints.
  let starting = true
  const store = await openStore(settings, (error) => {
    if (!starting || !(error instanceof StoreRefused)) onError(error)
  })
  const endpoint = createEndpoint(server, { store, onError, ...settings.endpoint })
  addReadiness(endpoint, store)
  const http = serve(
    {
      fetch: (request, env) => {
        const { incoming, outgoing } = env as HttpBindings
        // While the process shuts down, the next request of this connection should go to another instance.
        if (!http.listening) outgoing.shouldKeepAlive = false
        if (!log) return endpoint.fetch(request, env)
        const line = log.begin(request.method, traceOf(incoming))
        outgoing.once('close', () => line.end(outgoing.statusCode))
        return endpoint.fetch(request, { ...env, note: line.note })
      },
      port: settings.port,
      hostname: settings.host,
      createServer: createCheckedServer,
      serverOptions: {
        // Longer than any load balancer keeps an idle connection (Google 600 s, AWS 60 s by default, nginx 60 s): were
        // this side to close it first, a request could meet a connection that is being closed.
        keepAliveTimeout: 620_000,
        headersTimeout: Math.min(30_000, settings.requestTimeout),
        requestTimeout: settings.requestTimeout,
        connectionsCheckingInterval: Math.min(10_000, settings.requestTimeout / 2),
      },
    },
    ({ port }) => {
      announce(`http://${settings.host}:${port}/mcp`, settings, log)
      tryStore(store).finally(() => {
        starting = false
      })
    },
  ) as Server
  harden(http)
  http.on('error', ({ code, message }: NodeJS.ErrnoException) =>
    stop(code === 'EADDRINUSE' ? `PORT ${settings.port} is in use on ${settings.host}.` : `HOST, PORT: ${message}.`),
  )
  const end = drainOnSignals(http, endpoint)
  const report = (text: string) => (log ? log.say('ERROR', text) : console.error(text))
  logRejections(report)
  endOnException(report, () => end(1))
}

/** Ends the start with one line. */
export function stop(why: string): never {
  console.error(why)
  process.exit(1)
}

/**
 * Asks the store once. A store that refuses this process stops it: no request would change that. Where the store does not
 * answer, its cause is logged, and the process goes on: stateless calls need no store. The first requests do not wait for it.
 */
async function tryStore(store: Store): Promise<void> {
  await store.ping().catch((error) => {
    if (error instanceof StoreRefused) stop(error.message)
  })
}

/** `/readyz`: whether the store answers. `/healthz` does not ask it, because a restart would not bring Redis back. */
function addReadiness({ app }: Endpoint, store: Store): void {
  app.get('/readyz', (c) =>
    store.ping().then(
      () => c.json({ status: 'ok', store: store.name }),
      () => c.json({ status: 'the store does not answer', store: store.name }, 503, { 'Retry-After': '1' }),
    ),
  )
}

/** The id that the load balancer gave the request. */
function traceOf({ headers }: IncomingMessage): string | undefined {
  const [id] = [headers['x-request-id'], headers['x-cloud-trace-context']].flat()
  return id?.slice(0, 128)
}

function announce(address: string, { redisUrl, redisName }: Settings, log: RequestLog | undefined): void {
  const place = redisUrl ? `Redis at ${redisName}` : 'this process (set REDIS_URL to share them)'
  if (log) return log.say('INFO', 'listening', { address, sessions: place })
  console.log(`MCP endpoint  ${address}`)
  console.log(`Sessions in   ${place}`)
  console.log(`Try it        npx @modelcontextprotocol/inspector --cli ${address} --transport http --method tools/list`)
}
