/** OpenTelemetry on the events of the endpoint. One for a process, whichever number of endpoints it has. */
import { warning } from '../../base/errors.ts'
import { onEvent } from '../../base/events.ts'
import { tracing } from '../../base/tracing.ts'
import { Operations } from '../operations.ts'
import type { Api } from './api.ts'
import { Metrics } from './metrics.ts'
import { registered } from './registered.ts'
import { Spans } from './spans.ts'

export interface Telemetry {
  /** Has the SDK send what it has, where it can: the process may sleep or end. It never rejects. */
  flush(): Promise<void>
  /** Ends the use by one endpoint. */
  end(): void
}

interface Running {
  flush(): Promise<void>
  stop(): void
}

let users = 0
let running: Promise<Running> | undefined

/**
 * Begins to make spans and metrics, by the providers that the process has or will have. It never rejects: an endpoint goes on
 * without telemetry.
 */
export async function startTelemetry(report: (error: unknown) => void): Promise<Telemetry> {
  users++
  running ??= load(report)
  const { flush, stop } = await running
  let ended = false
  return {
    flush,
    end() {
      if (ended) return
      ended = true
      if (--users > 0) return
      running = undefined
      stop()
    },
  }
}

async function load(report: (error: unknown) => void): Promise<Running> {
  let api: Api
  try {
    api = await import('@opentelemetry/api')
  } catch {
    report(warning(MISSING))
    return { flush: async () => {}, stop() {} }
  }
  const { version, trace } = registered() ?? {}
  // The API takes no provider that an older version of it keeps.
  if (trace !== undefined && api.trace.getTracerProvider() !== trace) report(warning(tooOld(version)))
  return { flush: () => flush(api), stop: listen(api) }
}

const MISSING =
  'Telemetry is wanted, and the package @opentelemetry/api is not installed beside this server: no span and no metric is made. ' +
  'Install it, or set TELEMETRY=0.'

function tooOld(version: string | undefined): string {
  return (
    `The SDK of OpenTelemetry in this process has @opentelemetry/api ${version}, which is older than that of this server: ` +
    'no span and no metric is made. Use one version of it for both.'
  )
}

function listen(api: Api): () => void {
  const operations = new Operations()
  const spans = new Spans(api, operations)
  const metrics = new Metrics(api)
  const ends = [
    onEvent('request-start', (request) => spans.arrived(request)),
    onEvent('call-start', (call) => operations.began(call)),
    onEvent('call', (call) => {
      const operation = operations.ofCall(call)
      spans.ended(call, operation)
      if (operation) metrics.operation(operation, spans.contextOf(call))
    }),
    onEvent('request', (request) => {
      const operation = operations.ofRequest(request)
      if (operation) metrics.operation(operation, spans.answered(request, operation))
    }),
    onEvent('ask', (ask) => {
      const operation = operations.ofAsk(ask)
      if (operation) metrics.operation(operation, spans.contextOf(ask.call))
    }),
    onEvent('session', (session) => metrics.session(operations.ofSession(session), api.context.active())),
  ]
  tracing.now = spans
  return () => {
    if (tracing.now === spans) tracing.now = undefined
    for (const end of ends) end()
  }
}

/** A provider of an SDK, behind the one that the API gives. */
interface Provider {
  getTracer?: unknown
  getMeter?: unknown
  getDelegate?(): Provider
  forceFlush?(): Promise<unknown>
}

async function flush({ trace, metrics }: Api): Promise<void> {
  const providers: Provider[] = [trace.getTracerProvider(), metrics.getMeterProvider()]
  const flushed = providers.map(async (provider) => (provider.getDelegate?.() ?? provider).forceFlush?.())
  // A collector that does not answer is the SDK's to report.
  await Promise.allSettled(flushed)
}
