/** W3C Trace Context, which clients send in headers or in `_meta` of a request (SEP-414). */
import type { TraceContext } from '../base/events.ts'
import type { JsonObject } from './jsonrpc.ts'

/** Version, trace, span and flags (W3C Trace Context, 3.2). A later version may have more, and is read as far. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[\x21-\x7e]*)?$/
/** Characters of `traceparent` and `tracestate` that are read: the specification asks for 512 of the latter. */
const MAX_PARENT = 100
const MAX_STATE = 512

/** What is valid of it. A `tracestate` without a `traceparent` means nothing (W3C Trace Context, 3.3). */
export function readTrace(traceparent: unknown, tracestate: unknown): TraceContext | undefined {
  if (typeof traceparent !== 'string' || traceparent.length > MAX_PARENT) return undefined
  const [, version] = TRACEPARENT.exec(traceparent) ?? []
  if (version === undefined || (version === '00' && traceparent.length > 55)) return undefined
  const isState = typeof tracestate === 'string' && tracestate !== '' && tracestate.length <= MAX_STATE
  if (!isState || !/^[\x20-\x7e\t]+$/.test(tracestate)) return { traceparent }
  return { traceparent, tracestate }
}

/** The trace context of a request's `_meta`. */
export function traceOf(params: JsonObject | undefined): TraceContext | undefined {
  const meta = params?._meta
  if (typeof meta !== 'object' || meta === null) return undefined
  const { traceparent, tracestate } = meta as JsonObject
  return readTrace(traceparent, tracestate)
}
