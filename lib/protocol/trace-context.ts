/** W3C Trace Context and Baggage, which clients send in headers or in `_meta` of a request (SEP-414). */
import type { TraceContext } from '../base/events.ts'
import type { FormerTrace } from '../base/tracing.ts'
import { isObject, type JsonObject } from './jsonrpc.ts'

/** Version, trace, span and flags (W3C Trace Context, 3.2). A later version may have more, and is read as far. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[\x21-\x7e]*)?$/
/** Characters of `traceparent` and `tracestate` that are read: the specification asks for 512 of the latter. */
const MAX_PARENT = 100
const MAX_STATE = 512

/** Characters of `baggage`: as many as W3C Baggage lets a member of a trace pass on. */
const MAX_BAGGAGE = 8_192

/** What is valid of it. A `tracestate` without a `traceparent` means nothing (W3C Trace Context, 3.3). */
export function readTrace(traceparent: unknown, tracestate: unknown, baggage?: unknown): TraceContext | undefined {
  const context: TraceContext = {}
  if (isParent(traceparent)) {
    context.traceparent = traceparent
    if (isText(tracestate, MAX_STATE)) context.tracestate = tracestate
  }
  if (isText(baggage, MAX_BAGGAGE)) context.baggage = baggage
  return context.traceparent === undefined && context.baggage === undefined ? undefined : context
}

function isParent(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > MAX_PARENT) return false
  const [, version] = TRACEPARENT.exec(value) ?? []
  return version !== undefined && (version !== '00' || value.length === 55)
}

function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length <= most && /^[\x20-\x7e\t]+$/.test(value)
}

/** The trace context of a request's `_meta`. */
export function traceOf(params: JsonObject | undefined): TraceContext | undefined {
  const meta = params?._meta
  if (typeof meta !== 'object' || meta === null) return undefined
  const { traceparent, tracestate, baggage } = meta as JsonObject
  return readTrace(traceparent, tracestate, baggage)
}

/** What a store or a sealed state has of the trace of the run before. */
export function readFormer(value: unknown): FormerTrace | undefined {
  if (!isObject(value)) return undefined
  const run = contextIn(value.run)
  if (run === undefined) return undefined
  const parent = contextIn(value.parent)
  return parent ? { run, parent } : { run }
}

function contextIn(value: unknown): TraceContext | undefined {
  return isObject(value) ? readTrace(value.traceparent, value.tracestate) : undefined
}
