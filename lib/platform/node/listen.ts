/** A process that listens by itself: the HTTP server, the log, and `/readyz`. */
import type { Server } from 'node:http'
import { type HttpBindings, serve } from '@hono/node-server'
import { systemClock } from '../../base/clock.ts'
import { retryAfter } from '../../base/ids.ts'
import type { McpServer } from '../../server/mcp-server.ts'
import { SETTINGS } from '../../settings.ts'
import { type Store, StoreRefused } from '../../store/store.ts'
import { endpointOrStop } from '../endpoint.ts'
import { readEnvironment, type Settings } from '../environment.ts'
import { endOnException, logRejections } from '../faults.ts'
import { type Log, openLog } from '../log.ts'
import { openStore } from '../store.ts'
import { drainOnSignals } from './drain.ts'
import { harden } from './harden.ts'
import { ReadinessCheck } from './readiness.ts'
import { createCheckedServer } from './target.ts'

/** Serves `server` with the settings of the environment, until the process gets SIGTERM or SIGINT. */
export async function listen(server: McpServer): Promise<void> {
  const settings = readEnvironment(process.env)
  // What stops the start has one line, which `tryStore` prints.
  let starting = true
  const log = openLog({ requests: settings.log, skips: (cause) => starting && cause instanceof StoreRefused })
  for (const warning of [...settings.warnings, ...server.warnings]) log.say('WARNING', warning)
  const store = await openStore(settings, log.error)
  const endpoint = endpointOrStop(server, { store, onError: log.error, ...settings.endpoint })
  const http = serve(
    {
      fetch: (request, env) => {
        const { outgoing } = env as HttpBindings
        // While the process shuts down, the next request of this connection should go to another instance.
        if (leaving.begun) outgoing.shouldKeepAlive = false
        return endpoint.fetch(request, env)
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
      announce(`http://${settings.host}:${port}${settings.endpoint.path}`, settings, log)
      tryStore(store).finally(() => {
        starting = false
      })
    },
  ) as Server
  harden(http)
  http.on('error', ({ code, message }: NodeJS.ErrnoException) =>
    stop(code === 'EADDRINUSE' ? `PORT ${settings.port} is in use on ${settings.host}.` : `HOST, PORT: ${message}.`),
  )
  const leaving = drainOnSignals(http, endpoint, settings)
  const report = (text: string) => log.say('ERROR', text)
  logRejections(report)
  endOnException(report, () => leaving.fail())
  const lease = settings.endpoint.session?.lease ?? SETTINGS.session.lease.default
  const readiness = new ReadinessCheck({ store, clock: systemClock, lease, leaving })
  // `/healthz` does not ask the store, because a restart would not bring Redis back.
  endpoint.app.get('/readyz', async (c) => {
    const state = await readiness.state()
    const headers = { 'Cache-Control': 'no-store' }
    const isReady = state === 'ok' || (state === 'degraded' && !settings.readyNeedsStore)
    return isReady ? c.text(state, 200, headers) : c.text(state, 503, { ...headers, 'Retry-After': retryAfter(1) })
  })
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

function announce(address: string, { redisUrl, redisName }: Settings, log: Log): void {
  const place = redisUrl ? `Redis at ${redisName}` : 'this process (set REDIS_URL to share them)'
  if (log.asJson) return log.say('INFO', 'listening', { address, sessions: place })
  console.log(`MCP endpoint  ${address}`)
  console.log(`Sessions in   ${place}`)
  console.log(`Try it        npx @modelcontextprotocol/inspector --cli ${address} --transport http --method tools/list`)
}
