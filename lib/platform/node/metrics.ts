/**
 * `/metrics` for Prometheus: on a port of its own, where `/readyz` is too, or on the port of the endpoint. It is loaded where the
 * settings ask for it.
 */
import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { quarterOfHeap } from '../../base/heap.ts'
import { digest } from '../../base/ids.ts'
import type { Endpoint } from '../../endpoint.ts'
import { SETTINGS } from '../../settings.ts'
import { loadPromClient, type PrometheusMetrics, prometheusMetrics } from '../../telemetry/metrics/prometheus.ts'
import type { Settings } from '../environment.ts'
import type { Log } from '../log.ts'
import type { ReadinessCheck } from './readiness.ts'

interface Served {
  endpoint: Endpoint
  readiness: Pick<ReadinessCheck, 'state'>
  /** Answers `/readyz`: with `mayHaveDetails`, in full where the request asks for them. */
  ready(request: Request, mayHaveDetails: boolean): Promise<Response>
}

export interface MetricsServer {
  /** Adds what is read of the instance, and serves. To be called once, before the endpoint listens. */
  serve(served: Served): void
}

type MetricsSettings = Pick<Settings, 'metricsPort' | 'metricsToken' | 'host' | 'endpoint'>

const SHORTEST_TOKEN = 16

/**
 * Begins to record. With a port it listens when this resolves, so that a port in use stops the start.
 *
 * @throws Error with one line for a setting that cannot be used, and where `prom-client` is not installed
 */
export async function openMetrics(settings: MetricsSettings, log: Log): Promise<MetricsServer> {
  const { metricsPort, metricsToken } = settings
  if (metricsToken !== undefined && metricsToken.length < SHORTEST_TOKEN) {
    throw new Error(`METRICS_TOKEN must have ${SHORTEST_TOKEN} characters or more: openssl rand -base64 32`)
  }
  const neededBy = metricsPort === undefined ? 'METRICS_TOKEN' : 'METRICS_PORT'
  const metrics = prometheusMetrics(await loadPromClient(neededBy))
  const respond = (request: Request) => respondMetrics(metrics, metricsToken, request)
  let routes: Record<string, (request: Request) => Promise<Response>> = {}
  if (metricsPort !== undefined) {
    const port = await listen(metricsPort, settings.host, (request) => {
      const { pathname } = new URL(request.url)
      const route = Object.hasOwn(routes, pathname) ? routes[pathname] : undefined
      return route?.(request) ?? text(404, 'There are /metrics and /readyz.')
    })
    const address = `http://${settings.host}:${port}/metrics`
    log.say('INFO', 'Metrics for Prometheus.', { metrics: address })
  }
  return {
    serve({ endpoint, readiness, ready }) {
      metrics.read({
        instance: endpoint.instanceId,
        ready: () => readiness.state(),
        owed: () => endpoint.stats().owed,
        held: () => endpoint.held(),
        limits: limitsOf(settings),
      })
      if (metricsPort === undefined) endpoint.app.get('/metrics', (c) => respond(c.req.raw))
      else {
        const mayHaveDetails = (request: Request) => metricsToken === undefined || bears(request, metricsToken)
        routes = { '/metrics': respond, '/readyz': (request) => ready(request, mayHaveDetails(request)) }
      }
    },
  }
}

function limitsOf({ endpoint: { session, http } }: Pick<Settings, 'endpoint'>) {
  const half = (http?.maxMemory ?? quarterOfHeap()) / 2
  return {
    streams: session?.maxStreams ?? SETTINGS.session.maxStreams.default,
    held: { requests: half, output: half },
    heap: 4 * quarterOfHeap(),
  }
}

async function respondMetrics(metrics: PrometheusMetrics, token: string | undefined, request: Request) {
  if (token !== undefined && !bears(request, token)) {
    return text(401, 'METRICS_TOKEN is asked for: Authorization: Bearer …', { 'WWW-Authenticate': 'Bearer' })
  }
  return text(200, await metrics.text(), { 'Content-Type': metrics.contentType })
}

/** Takes equally long for all tokens. */
function bears(request: Request, token: string): boolean {
  const [, given = ''] = /^bearer +(.+)$/i.exec(request.headers.get('authorization') ?? '') ?? []
  return timingSafeEqual(Buffer.from(digest(given, 32)), Buffer.from(digest(token, 32)))
}

function text(status: number, body: string, headers: Record<string, string> = {}): Response {
  return new Response(body, { status, headers: { 'Cache-Control': 'no-store', ...headers } })
}

type Answer = (request: Request) => Response | Promise<Response>

/** @returns the port. It serves until the process ends, also while that shuts down, and does not keep it alive */
async function listen(port: number, host: string, answer: Answer): Promise<number> {
  const server = createServer((incoming, outgoing) => void respondTo(incoming, outgoing, answer))
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ code, message }: NodeJS.ErrnoException) =>
      reject(
        new Error(code === 'EADDRINUSE' ? `METRICS_PORT ${port} is in use on ${host}.` : `METRICS_PORT: ${message}.`),
      ),
    )
    server.listen(port, host, resolve)
  })
  server.unref()
  return (server.address() as AddressInfo).port
}

async function respondTo(incoming: IncomingMessage, outgoing: ServerResponse, answer: Answer): Promise<void> {
  const { method = '', url = '', headers } = incoming
  const send = async (response: Response) => {
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    outgoing.end(method === 'HEAD' ? undefined : await response.text())
  }
  if (method !== 'GET' && method !== 'HEAD') return send(text(405, 'Use GET.', { Allow: 'GET, HEAD' }))
  const known = { authorization: headers.authorization ?? '' }
  try {
    return await send(await answer(new Request(new URL(url, 'http://metrics.invalid'), { headers: known })))
  } catch (error) {
    return send(text(500, error instanceof Error ? error.message : String(error)))
  }
}
