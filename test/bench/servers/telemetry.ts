/** Metrics and OpenTelemetry as in a deployment: everything is recorded, and batches of it go to an exporter that drops them. */
import { context, metrics, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base'
import { loadPromClient, prometheusMetrics } from '../../../lib/telemetry/metrics/prometheus.ts'

/** @param wanted `metrics`: for Prometheus. `otel`: an SDK of OpenTelemetry */
export async function record(wanted: readonly string[]): Promise<void> {
  if (wanted.includes('metrics')) prometheusMetrics(await loadPromClient('BENCH_TELEMETRY'))
  if (wanted.includes('otel')) setProviders()
}

const dropping: SpanExporter = {
  export: (_spans, done) => done({ code: 0 }),
  shutdown: async () => {},
}

function setProviders(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(dropping)] }))
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 })
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
}
