/** The place of a call's span in its trace: its parent, and the spans that it only links to. */
import type { Context, Link, SpanContext } from '@opentelemetry/api'
import type { CallStart, RequestStart, TraceContext } from '../../base/events.ts'
import type { Api } from './api.ts'
import { spanContextOf, withBaggage } from './context.ts'

export interface Place {
  /** Of the handler, without the span that is to be made. */
  parent: Context
  links: Link[]
}

export class Parents {
  readonly #api: Api
  /** The span in which a request arrived: that of an instrumentation of HTTP, for example. */
  readonly #ambient = new WeakMap<RequestStart, Context>()

  constructor(api: Api) {
    this.#api = api
  }

  /** A request has arrived. */
  arrived(request: RequestStart): void {
    const active = this.#api.context.active()
    if (this.#api.trace.getSpanContext(active)) this.#ambient.set(request, active)
  }

  /** The place of a message without a call. */
  ofRequest(request: RequestStart): Place {
    const { meta } = request
    const ambient = this.#ambient.get(request) ?? this.#api.ROOT_CONTEXT
    return this.#place(ambient, meta, request)
  }

  /**
   * A span in `_meta` is the parent, and the transport is linked; else the span of the transport is the parent. A run that goes on
   * with a call shares the trace of its first run: the client's span is the parent of all of them, or else the first run.
   */
  ofCall(call: CallStart): Place {
    const { request, meta, run, former } = call
    const { context, ROOT_CONTEXT } = this.#api
    if (run === 'first') {
      const place = this.#place(context.active(), meta, request)
      return former ? this.#following(place, call) : place
    }
    // The context of a takeover is that of a timer or of mail. Its request is that of the client that waits.
    const place = this.#place(ROOT_CONTEXT, meta ?? former?.parent ?? former?.run, undefined)
    const carrier = request && this.#transport(request)
    if (former && (meta ?? former.parent)) this.#link(place, this.#spanContext(former.run))
    this.#link(place, carrier)
    return place
  }

  #place(active: Context, meta: TraceContext | undefined, request: RequestStart | undefined): Place {
    const { trace } = this.#api
    const ambient = trace.getSpanContext(active)
    const named = this.#spanContext(meta)
    if (!named) {
      const parent = ambient || !request ? active : this.#within(active, request)
      return { parent: meta ? withBaggage(this.#api, parent, meta) : parent, links: [] }
    }
    const place: Place = { parent: this.#within(active, meta ?? {}), links: [] }
    this.#link(place, ambient ?? this.#spanContext(request), named)
    return place
  }

  /** The client has answered, and sends the call again (2026-07-28): with a span of its own, or in the trace of the run before. */
  #following(place: Place, { former, meta, request }: CallStart): Place {
    const before = this.#spanContext(former?.run)
    const named = meta?.traceparent ?? request?.traceparent
    if (!before) return place
    if (named !== undefined || !former) {
      this.#link(place, before)
      return place
    }
    const transport = this.#api.trace.getSpanContext(place.parent)
    const following: Place = { parent: this.#api.trace.setSpanContext(place.parent, before), links: place.links }
    this.#link(following, transport)
    return following
  }

  /** The span of the transport of a request, or that which its headers name. */
  #transport(request: RequestStart): SpanContext | undefined {
    const ambient = this.#ambient.get(request)
    return (ambient && this.#api.trace.getSpanContext(ambient)) ?? this.#spanContext(request)
  }

  #spanContext(context: TraceContext | undefined): SpanContext | undefined {
    return context && spanContextOf(this.#api, context)
  }

  /** `active` within a span of the client, with its baggage. */
  #within(active: Context, named: TraceContext): Context {
    const span = this.#spanContext(named)
    const within = span ? this.#api.trace.setSpanContext(active, span) : active
    return withBaggage(this.#api, within, named)
  }

  #link(
    { parent, links }: Place,
    context: SpanContext | undefined,
    instead = this.#api.trace.getSpanContext(parent),
  ): void {
    if (context && context.spanId !== instead?.spanId) links.push({ context })
  }
}
