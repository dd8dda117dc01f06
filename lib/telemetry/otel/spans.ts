/** The spans of the conventions: one of kind SERVER for each run of a call and each other message, one of kind CLIENT for each ask. */
import type { Attributes, Context, Span, SpanOptions, Tracer, TracerProvider } from '@opentelemetry/api'
import { systemClock } from '../../base/clock.ts'
import type { AskEvent, CallEvent, CallStart, RequestEvent, RequestStart } from '../../base/events.ts'
import type { TracedAsk, Tracing } from '../../base/tracing.ts'
import { attributesOf, attributesOfTransport } from '../attributes.ts'
import { ATTRIBUTES, EXECUTE_TOOL, OTHER, OWN_ATTRIBUTES } from '../names.ts'
import { type Operation, type Operations, transportOf } from '../operations.ts'
import { type Api, SCOPE } from './api.ts'
import { baggageOf, traceContextOf } from './context.ts'
import { Parents, type Place } from './parents.ts'

/** Characters of a request id and of a message that a span has. */
const MAX_ID = 200
const MAX_MESSAGE = 300

interface Traced {
  span: Span
  /** With the span. */
  context: Context
  name: string
}

export class Spans implements Tracing {
  readonly #api: Api
  #tracer: Tracer | undefined
  #provider: TracerProvider | undefined
  readonly #operations: Operations
  readonly #parents: Parents
  readonly #calls = new WeakMap<CallStart, Traced>()

  constructor(api: Api, operations: Operations) {
    this.#api = api
    this.#operations = operations
    this.#parents = new Parents(api)
  }

  arrived(request: RequestStart): void {
    this.#parents.arrived(request)
  }

  /** The context of a call's span, or that of a message without a call. */
  contextOf(event: CallStart | undefined): Context {
    return (event && this.#calls.get(event)?.context) ?? this.#api.ROOT_CONTEXT
  }

  // Calls -----------------------------------------------------------------------------------------------------------

  within<T>(call: CallStart, work: () => T): T {
    const traced = this.#begin(call)
    const { context } = traced
    this.#calls.set(call, traced)
    const own = traceContextOf(this.#api, traced.span.spanContext())
    if (own) call.span = own
    return this.#api.context.with(context, work)
  }

  #begin(call: CallStart): Traced {
    const { method, kind, name, run } = call
    const { labels } = this.#operations
    const attributes = { ...this.#attributesOf(call), ...aboutRequest(call.request) }
    const isNamed = kind !== 'resource' && kind !== undefined && name !== undefined
    if (isNamed) attributes[ATTRIBUTES[kind]] = name
    else if (name !== undefined) attributes[ATTRIBUTES.resource] = name
    if (method === 'tools/call') attributes[ATTRIBUTES.operation] = EXECUTE_TOOL
    if (run !== 'first') attributes[OWN_ATTRIBUTES.run] = run
    if (call.task !== undefined) attributes[OWN_ATTRIBUTES.task] = call.task
    if (call.leg !== undefined) attributes[OWN_ATTRIBUTES.leg] = call.leg
    const target = isNamed && (call.isKnown || labels.hasName(kind, name)) ? name : undefined
    const place = this.#parents.ofCall(call)
    const spanName = nameOf(labels.method(method), target)
    const span = this.#start(spanName, this.#api.SpanKind.SERVER, attributes, place)
    return { span, context: this.#api.trace.setSpan(place.parent, span), name: spanName }
  }

  #attributesOf({ method, id, revision, session, request }: CallStart): Attributes {
    const attributes: Attributes = {
      [ATTRIBUTES.method]: this.#operations.labels.method(method),
      [ATTRIBUTES.requestId]: String(id).slice(0, MAX_ID),
      [ATTRIBUTES.revision]: revision,
      ...attributesOfTransport(transportOf(request)),
    }
    if (session !== undefined) attributes[ATTRIBUTES.session] = session
    return attributes
  }

  /** @param operation undefined: another run goes on with the call */
  ended(call: CallEvent, operation: Operation | undefined): void {
    const traced = this.#calls.get(call)
    if (!traced) return
    const { span, name } = traced
    if (call.outcome !== 'ok') span.setAttribute(OWN_ATTRIBUTES.outcome, call.outcome)
    if (operation) {
      const { method, tool, prompt } = operation
      const known = nameOf(method, tool === OTHER || prompt === OTHER ? undefined : (tool ?? prompt))
      if (known !== name) span.updateName(known)
      this.#fail(span, operation, call.error)
    }
    if (call.fault === 'exception' && call.error) span.recordException(call.error)
    span.end()
  }

  // Messages without a call -----------------------------------------------------------------------------------------

  /** The message has its response. Its span is made now, when its method is known. */
  answered(request: RequestEvent, operation: Operation): Context {
    const place = this.#parents.ofRequest(request)
    const attributes: Attributes = { ...attributesOf(operation), ...aboutRequest(request) }
    if (request.session !== undefined) attributes[ATTRIBUTES.session] = request.session
    const startTime = systemClock.wall() - request.durationMs
    const span = this.#start(operation.method, this.#api.SpanKind.SERVER, attributes, place, startTime)
    this.#fail(span, operation, request.refusal ? new Error(request.refusal.reason) : undefined)
    span.end()
    return this.#api.trace.setSpan(place.parent, span)
  }

  // Asks ------------------------------------------------------------------------------------------------------------

  ask(call: CallStart | undefined, method: string): TracedAsk {
    const { context, trace, SpanKind } = this.#api
    const active = context.active()
    // Where an author has left the context, the ask is still one of its call.
    const parent = trace.getSpanContext(active) ? active : this.contextOf(call)
    let traced: Traced | undefined
    return {
      sending: (id) => {
        const attributes: Attributes = call ? this.#attributesOf(call) : {}
        delete attributes[ATTRIBUTES.requestId]
        const name = this.#operations.labels.method(method)
        attributes[ATTRIBUTES.method] = name
        if (id !== undefined) attributes[ATTRIBUTES.requestId] = id
        const span = this.#start(name, SpanKind.CLIENT, attributes, { parent, links: [] })
        traced = { span, context: trace.setSpan(parent, span), name }
        return this.#sent(traced)
      },
      end: (event) => {
        if (traced) this.#endAsk(traced.span, event)
      },
    }
  }

  /** What the request to the client has in its `_meta`. */
  #sent({ span, context }: Traced): Readonly<Record<string, string>> | undefined {
    const own = traceContextOf(this.#api, span.spanContext())
    const baggage = baggageOf(this.#api, context)
    if (!own && baggage === undefined) return undefined
    return { ...own, ...(baggage !== undefined && { baggage }) }
  }

  #endAsk(span: Span, event: AskEvent): void {
    const operation = this.#operations.ofAsk(event)
    if (operation) this.#fail(span, operation, undefined)
    else span.setAttribute(OWN_ATTRIBUTES.outcome, event.outcome)
    span.end()
  }

  // All -------------------------------------------------------------------------------------------------------------

  #start(name: string, kind: SpanOptions['kind'], attributes: Attributes, place: Place, startTime?: number): Span {
    const { parent, links } = place
    const options: SpanOptions = { attributes, links }
    if (kind !== undefined) options.kind = kind
    if (startTime !== undefined) options.startTime = startTime
    return this.#currentTracer().startSpan(name, options, parent)
  }

  /** An application may set its provider late, by another copy of the API. */
  #currentTracer(): Tracer {
    const provider = this.#api.trace.getTracerProvider()
    if (!this.#tracer || this.#provider !== provider) {
      this.#provider = provider
      this.#tracer = provider.getTracer(SCOPE)
    }
    return this.#tracer
  }

  #fail(span: Span, { errorType, code }: Operation, error: Error | undefined): void {
    if (errorType === undefined) return
    span.setAttribute(ATTRIBUTES.errorType, errorType)
    if (code !== undefined) span.setAttribute(ATTRIBUTES.code, code)
    const message = error?.message.slice(0, MAX_MESSAGE)
    const status = { code: this.#api.SpanStatusCode.ERROR }
    span.setStatus(message === undefined ? status : { ...status, message })
  }
}

const nameOf = (method: string, target: string | undefined) => (target === undefined ? method : `${method} ${target}`)

function aboutRequest(request: RequestStart | undefined): Attributes {
  const { address, port } = request ?? {}
  return {
    ...(address !== undefined && { [ATTRIBUTES.clientAddress]: address }),
    ...(port !== undefined && { [ATTRIBUTES.clientPort]: port }),
  }
}
