/** The SDK of OpenTelemetry with exporters in memory, as the global providers of this process. */
import { context, metrics, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base'

export interface Sdk {
  spans(): ReadableSpan[]
  /** The histogram of a metric, one entry for each set of attributes. */
  histogram(name: string): Promise<Series[]>
  /** Removes the providers. */
  stop(): Promise<void>
}

export interface Series {
  unit: string
  attributes: Record<string, unknown>
  count: number
  boundaries: number[]
}

/** @param also further processors of spans */
export function startSdk(also: SpanProcessor[] = []): Sdk {
  const exporter = new InMemorySpanExporter()
  const tracing = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter), ...also] })
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 3_600_000 })
  const metering = new MeterProvider({ readers: [reader] })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  )
  trace.setGlobalTracerProvider(tracing)
  metrics.setGlobalMeterProvider(metering)
  return {
    spans: () => exporter.getFinishedSpans(),
    async histogram(name) {
      await metering.forceFlush()
      const scopes = metricExporter.getMetrics().at(-1)?.scopeMetrics ?? []
      const metric = scopes.flatMap((scope) => scope.metrics).find(({ descriptor }) => descriptor.name === name)
      return (metric?.dataPoints ?? []).map(({ attributes, value }) => {
        const { count, buckets } = value as { count: number; buckets: { boundaries: number[] } }
        return { unit: metric?.descriptor.unit ?? '', attributes, count, boundaries: buckets.boundaries }
      })
    },
    async stop() {
      await Promise.all([tracing.shutdown(), metering.shutdown()])
      trace.disable()
      metrics.disable()
      context.disable()
      propagation.disable()
    },
  }
}
