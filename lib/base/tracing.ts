/**
 * The place of the code that traces calls (`lib/telemetry/otel`), where there is some. An event alone cannot do it: the handler
 * of a call runs in the context of its span, and what is sent and stored names the span.
 */
import type { AskEvent, CallStart, TraceContext } from './events.ts'

/** What another run of a call knows of the trace of the run before. */
export interface FormerTrace {
  /** The span of that run. */
  run: TraceContext
  /** The span of the client, where headers of the request named it. Its `_meta` comes with the request. */
  parent?: TraceContext
}

/** An ask that is traced. */
export interface TracedAsk {
  /** The ask is being sent. @returns members for `_meta` of the request */
  sending(id?: string): Readonly<Record<string, string>> | undefined
  end(event: AskEvent): void
}

export interface Tracing {
  /** Runs `work`, which calls the handler, in the context of the span of its call. */
  within<T>(call: CallStart, work: () => T): T
  /** Undefined: the ask is not traced. */
  ask(call: CallStart | undefined, method: string): TracedAsk | undefined
}

/** `now` is undefined while nobody traces. */
export const tracing: { now: Tracing | undefined } = { now: undefined }

/** What is kept of the trace of a call, for another run of it. Undefined where nobody traces. */
export function formerTrace(call: CallStart | undefined): FormerTrace | undefined {
  if (!call?.span) return undefined
  const { span: run, meta, request } = call
  if (meta || request?.traceparent === undefined) return { run }
  const { traceparent, tracestate } = request
  return { run, parent: tracestate === undefined ? { traceparent } : { traceparent, tracestate } }
}
