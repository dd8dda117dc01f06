/**
 * What happens in an endpoint, as events of `node:diagnostics_channel`. The channel of `call` is `mcp-anywhere:call`, and so
 * on. Code that publishes asks first whether anybody listens: an event that nobody hears is not made. docs/events.md has
 * the table. Durations are in ms. No event has a token, a session id or the content of a message.
 */
import { type Channel, openChannel } from './channel.ts'
import type {
  ClientName,
  CommandEvent,
  DrainEvent,
  DrainStart,
  SessionEvent,
  SessionStart,
  StoreEvent,
  TakeoverEvent,
} from './instance-events.ts'
import type { FormerTrace } from './tracing.ts'

export type {
  ClientName,
  CommandEvent,
  DrainEvent,
  DrainStart,
  SessionEvent,
  SessionStart,
  StoreEvent,
  TakeoverEvent,
} from './instance-events.ts'

/** W3C Trace Context and Baggage, as the client sent them: in `_meta` of the request, else in headers. Only valid values. */
export interface TraceContext {
  traceparent?: string
  tracestate?: string
  baggage?: string
}

/** An HTTP request. One object: members are added as they become known, and the last ones at its end. */
export interface RequestStart extends TraceContext {
  /** The id of the instance. */
  instance: string
  /** The id that the platform or the load balancer gave the request, else a random one. */
  id: string
  httpMethod: string
  /** Without the query. */
  path: string
  /** The version of HTTP, where the platform tells it: `1.1`. */
  httpVersion?: string
  /** There is no HTTP: the line of a host that has started this process. */
  isLocal?: true
  /** The address of the client, behind the proxies that are trusted, and its port where there is none of them. */
  address?: string
  port?: number
  /** The trace context in `_meta` of its message, where the body has one message. */
  meta?: TraceContext
  /** The JSON-RPC method: of the first message where there are several. */
  method?: string
  /** How many messages the body has. */
  messages?: number
  /** A digest: requests of one session have the same. It is not the session id and cannot be used as one. */
  session?: string
  revision?: string
  client?: ClientName
  /** The call that the request carries, once that is over: the first of a batch that ends. */
  call?: CallEvent
  /** Why the request was refused. */
  refusal?: RefusalEvent
}

/** The response has been handed over; a stream has ended. */
export interface RequestEvent extends RequestStart {
  status: number
  durationMs: number
}

/** A request that the author's server answers: a run of it, on one instance. */
export interface CallStart extends TraceContext {
  instance: string
  /** The HTTP request that carries it; after a takeover the one that waits for it. */
  request?: RequestStart
  /** As {@link RequestStart.session}. */
  session?: string
  revision: string
  client?: ClientName
  /** The JSON-RPC id. */
  id: string | number
  method: string
  /** What `name` is the name of. */
  kind?: 'tool' | 'prompt' | 'resource'
  /** The tool or prompt, or the URI of the resource, as the client sent it: 200 characters at most. */
  name?: string
  /** The server has said that it has a tool or prompt of this name. A server may have one and not say so. */
  isKnown?: true
  /** The trace context in `_meta` of the request. */
  meta?: TraceContext
  /** The span of this run, where somebody traces. */
  span?: TraceContext
  /** What is known of the run before: another instance began the call, or the client has answered its asks (2026-07-28). */
  former?: FormerTrace
  /** takeover: the instance of the run before died or shut down. wake: the call was suspended, or this is a later leg of its task. */
  run: 'first' | 'takeover' | 'wake'
  /** The name of its task's record, which opens nothing, and the leg that runs. */
  task?: string
  leg?: number
}

/**
 * ok. tool_error: a result with `isError`. error: a JSON-RPC error. input_required: the client is asked, and sends the call
 * again (2026-07-28). cancelled: by the client. refused: the request id is in use, or the session has too many calls.
 * abandoned: this instance or the platform ended it with an error. released: this instance shuts down, and another may go on.
 * suspended: a later run has the answer. lost: another instance has taken the call over. session_gone: the session ended. store_away.
 */
export type CallOutcome =
  | 'ok'
  | 'tool_error'
  | 'error'
  | 'input_required'
  | 'cancelled'
  | 'refused'
  | 'abandoned'
  | 'released'
  | 'suspended'
  | 'lost'
  | 'session_gone'
  | 'store_away'

/**
 * Why a call failed. exception: the handler threw. arguments, result: they are not valid by their schema. unknown: no such tool or
 * prompt. timeout, too_large: beyond the limit of the tool. middleware: one refused the call, threw, or returned no valid result.
 */
export type CallFault = 'exception' | 'arguments' | 'result' | 'unknown' | 'timeout' | 'too_large' | 'middleware'

/** The run is over. It is the object that `call-start` published. */
export interface CallEvent extends CallStart {
  outcome: CallOutcome
  /** Of the JSON-RPC error. */
  code?: number
  fault?: CallFault
  /** What the handler threw, or an error with the text that the client got. */
  error?: Error
  durationMs: number
}

/** A question to the client (elicitation, sampling, roots, ping) has an outcome. */
export interface AskEvent {
  call?: CallStart
  method: string
  /**
   * answered. pending: the answer comes with a later request (2026-07-28). refused: the client answered with an error.
   * timeout. unreachable: the client takes no stream. invalid: the answer cannot be read. abandoned: the call ended.
   */
  outcome: 'answered' | 'pending' | 'refused' | 'timeout' | 'unreachable' | 'invalid' | 'abandoned' | 'error'
  /** Of the client's JSON-RPC error. */
  code?: number
  /** The answer was there: the run before has asked, and this one repeats it (2026-07-28). */
  isRepeated?: true
  durationMs: number
}

/** A streaming response has begun. */
export interface StreamStart {
  request: RequestStart
  /** call: the response of a POST. get: the session's own stream. resume: a GET with `Last-Event-ID`. */
  kind: 'call' | 'get' | 'resume' | 'listen' | 'legacy'
}

/** It is over. It is the object that `stream-start` published. */
export interface StreamEvent extends StreamStart {
  /** ended: by this endpoint, in good order. closed: by the client, or since it read too slowly. */
  outcome: 'ended' | 'closed'
  /** Characters that were written, and in how many writes. */
  characters: number
  writes: number
  durationMs: number
}

/**
 * rate: too many requests. limit: another bound. origin, host: a web page or a host name that is not allowed. token_…:
 * the access token. scope: it lacks scopes. authorization_server: it does not answer. session: there is no such session.
 * store: it does not answer. failure: a fault of the endpoint. request: the request is wrong.
 */
export type RefusalKind =
  | 'rate'
  | 'limit'
  | 'origin'
  | 'host'
  | 'token_missing'
  | 'token_malformed'
  | 'token_invalid'
  | 'scope'
  | 'authorization_server'
  | 'session'
  | 'store'
  | 'failure'
  | 'request'

/** A request was refused before anything ran. */
export interface RefusalEvent {
  request: RequestStart
  kind: RefusalKind
  status: number
  /** Of the JSON-RPC error. */
  code: number
  /** The reason, as the client gets it: 300 characters at most. */
  reason: string
  /** The cause that the client does not get. */
  cause?: Error
}

/** The events by name. */
export interface Events {
  'request-start': RequestStart
  request: RequestEvent
  'call-start': CallStart
  call: CallEvent
  ask: AskEvent
  'stream-start': StreamStart
  stream: StreamEvent
  'session-start': SessionStart
  session: SessionEvent
  takeover: TakeoverEvent
  'drain-start': DrainStart
  drain: DrainEvent
  command: CommandEvent
  store: StoreEvent
  refusal: RefusalEvent
}

export type EventName = keyof Events

const NAMES = [
  'request-start',
  'request',
  'call-start',
  'call',
  'ask',
  'stream-start',
  'stream',
  'session-start',
  'session',
  'takeover',
  'drain-start',
  'drain',
  'command',
  'store',
  'refusal',
] as const satisfies EventName[]

type Channels = Readonly<Record<EventName, Channel>>

const opened = NAMES.map((name) => [name, openChannel(`mcp-anywhere:${name}`)])

/** The channels. They are kept here: Node forgets a channel that nobody keeps. */
export const channels = Object.fromEntries(opened) as Channels

/** Publishes an event. To be called only where the channel has subscribers. */
export function publish<N extends EventName>(name: N, event: Events[N]): void {
  channels[name].publish(event)
}

/** Somebody listens to an event that has a call. */
export function callsAreHeard(): boolean {
  return channels['call-start'].hasSubscribers || channels.call.hasSubscribers || channels.ask.hasSubscribers
}

/** Somebody listens to an event that has a request. */
export function requestsAreHeard(): boolean {
  return (
    channels['request-start'].hasSubscribers ||
    channels.request.hasSubscribers ||
    channels['stream-start'].hasSubscribers ||
    channels.stream.hasSubscribers ||
    channels.refusal.hasSubscribers ||
    callsAreHeard()
  )
}

/**
 * Listens to an event. `listener` is called at once, in the middle of the work: it should take no time and change nothing.
 * Where it throws, nothing else notices, and the first such error becomes a warning of the process. (Node ends the
 * process where a listener throws that was given to `diagnostics_channel.subscribe` itself.)
 *
 * @returns a function that ends it
 *
 * @example
 * onEvent('call', ({ name, outcome, durationMs }) => console.log(name, outcome, durationMs))
 */
export function onEvent<N extends EventName>(name: N, listener: (event: Events[N]) => void): () => void {
  let failed = false
  const guarded = (message: unknown) => {
    try {
      listener(message as Events[N])
    } catch (error) {
      if (failed) return
      failed = true
      process.emitWarning(`A listener of the event ${name} threw: ${String(error)}`, 'McpAnywhereWarning')
    }
  }
  channels[name].subscribe(guarded)
  return () => void channels[name].unsubscribe(guarded)
}
