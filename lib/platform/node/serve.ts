/** The HTTP server of a process, and what belongs to it: the endpoint, the end by signals, faults, and `/readyz`. */
import type { Server } from 'node:http'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { systemClock } from '../../base/clock.ts'
import { retryAfter } from '../../base/ids.ts'
import type { Endpoint } from '../../endpoint.ts'
import type { Page } from '../../page/routes.ts'
import type { Servable } from '../../sdk/official.ts'
import { SETTINGS } from '../../settings.ts'
import type { Store } from '../../store/store.ts'
import { endpointOrStop } from '../endpoint.ts'
import type { Settings } from '../environment.ts'
import { endOnException, logRejections } from '../faults.ts'
import type { Log } from '../log.ts'
import type { ServedExecutor } from './cloud-tasks/open.ts'
import { detailsOf, isTrusted } from './details.ts'
import { drainOnSignals, type Ending } from './drain.ts'
import { harden } from './harden.ts'
import type { MetricsServer } from './metrics.ts'
import { ReadinessCheck } from './readiness.ts'
import { createCheckedServer } from './target.ts'

interface Parts {
  settings: Settings
  store: Store
  log: Log
  /** The page for people; undefined: there is none. */
  page: Page | undefined
  /** Undefined: nobody reads metrics. */
  metrics?: MetricsServer | undefined
  /** Undefined: this process runs the legs of tasks itself. */
  executor?: ServedExecutor | undefined
}

interface Served {
  /** It does not listen yet. */
  http: Server
  endpoint: Endpoint
  leaving: Ending
}

/** Serves `server` until the process gets SIGTERM or SIGINT. */
export function serveNode(server: Servable, { settings, store, log, page, metrics, executor }: Parts): Served {
  const endpoint = endpointOrStop(server, {
    ...{ store, onError: log.error, page, executor: executor?.executor },
    ...settings.endpoint,
  })
  executor?.serve(endpoint)
  const http = createAdaptorServer({
    fetch: (request, env) => {
      const { outgoing } = env as HttpBindings
      // While the process shuts down, the next request of this connection should go to another instance.
      if (leaving.begun) outgoing.shouldKeepAlive = false
      return endpoint.fetch(request, env)
    },
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
  }) as Server
  harden(http)
  const report = (text: string) => log.say('ERROR', text)
  const leaving = drainOnSignals(http, endpoint, settings, report)
  logRejections(report)
  endOnException(report, () => leaving.fail())
  const lease = settings.endpoint.session?.lease ?? SETTINGS.session.lease.default
  const readiness = new ReadinessCheck({ store, clock: systemClock, lease, leaving })
  const details = detailsOf({ endpoint, store, readiness, leaving, clock: systemClock })
  const access = { token: settings.metricsToken, proxies: settings.endpoint.http?.proxies ?? 0 }
  // `/healthz` does not ask the store, because a restart would not bring Redis back.
  const ready = async (request: Request, mayHaveDetails: boolean) => {
    const state = await readiness.state()
    const isReady = state === 'ok' || (state === 'degraded' && !settings.readyNeedsStore)
    const status = isReady ? 200 : 503
    const headers = { 'Cache-Control': 'no-store', ...(!isReady && { 'Retry-After': retryAfter(1) }) }
    const inFull = mayHaveDetails && new URL(request.url).searchParams.has('details')
    return inFull ? Response.json(await details(), { status, headers }) : new Response(state, { status, headers })
  }
  endpoint.app.get('/readyz', ({ req, env }) => {
    const { remoteAddress } = (env as HttpBindings).incoming.socket
    return ready(req.raw, isTrusted({ remote: remoteAddress, header: (name) => req.header(name) }, access))
  })
  metrics?.serve({ endpoint, readiness, ready })
  return { http, endpoint, leaving }
}
