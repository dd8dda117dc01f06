/** W3C Trace Context and Baggage as OpenTelemetry's context, and back. */
import type { Context, SpanContext } from '@opentelemetry/api'
import type { TraceContext } from '../../base/events.ts'
import type { Api } from './api.ts'

/** The span that a trace context names. Its form was checked where it arrived. */
export function spanContextOf(api: Api, { traceparent, tracestate }: TraceContext): SpanContext | undefined {
  if (traceparent === undefined) return undefined
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-')
  const context: SpanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
  if (tracestate !== undefined) context.traceState = api.createTraceState(tracestate)
  return api.isSpanContextValid(context) ? context : undefined
}

/** Undefined: nobody makes spans, and there is no span to continue. */
export function traceContextOf(api: Api, span: SpanContext | undefined): TraceContext | undefined {
  if (!span || !api.isSpanContextValid(span)) return undefined
  const { traceId, spanId, traceFlags, traceState } = span
  const context: TraceContext = { traceparent: `00-${traceId}-${spanId}-${traceFlags & 1 ? '01' : '00'}` }
  const tracestate = traceState?.serialize()
  if (tracestate) context.tracestate = tracestate
  return context
}

/** The context with the client's baggage, where the application has a propagator for it. */
export function withBaggage(api: Api, context: Context, { baggage }: TraceContext): Context {
  if (baggage === undefined) return context
  const read = api.propagation.getBaggage(api.propagation.extract(api.ROOT_CONTEXT, { baggage }))
  return read ? api.propagation.setBaggage(context, read) : context
}

/** The baggage of a context as it is sent, where the application has a propagator for it. */
export function baggageOf(api: Api, context: Context): string | undefined {
  const carrier: { baggage?: string } = {}
  if (api.propagation.getBaggage(context)) api.propagation.inject(context, carrier)
  return carrier.baggage
}
