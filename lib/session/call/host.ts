/** The surroundings of a call: the parts that all calls of an endpoint share, and the carrier of its response. */
import { randomId } from '../../base/ids.ts'
import type { OnDemand } from '../../base/on-demand.ts'
import type { FormerTrace } from '../../base/tracing.ts'
import type { JsonObject, JsonRpcNotification, JsonRpcRequest } from '../../protocol/jsonrpc.ts'
import { features } from '../../protocol/revisions.ts'
import type { Caller } from '../../runtime/caller.ts'
import type { SharedParts } from '../../runtime/handler-channel.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { Dispatcher, Durability } from '../../server/dispatcher.ts'
import type { Caller as Viewer } from '../../server/registry/config.ts'
import type { Holder } from '../../store/store.ts'
import type { TaskEngine } from '../../tasks/engine-types.ts'
import type { TakeOver } from '../stream/connection.ts'
import { newStreamName } from '../stream/event-id.ts'
import type { Session } from '../stream/session.ts'
import type { Call } from './call.ts'
import type { Earlier } from './durable/run.ts'
import type { Relay } from './outbox.ts'
import type { RunningCalls } from './running.ts'

/** The parts that all calls of an endpoint share. */
export interface CallHost extends SharedParts {
  instance: Instance
  /** Whether a request may be run again, and how. */
  durability(request: JsonRpcRequest): Durability
  /** The version of the handler of a durable tool. */
  versionOf(request: JsonRpcRequest): string | undefined
  heard: Dispatcher['heard']
  takeOverFor(caller: Caller): TakeOver
  running: RunningCalls
  /** Every scope that a request can need. */
  scopes: ReadonlySet<string>
  /** The scopes that a request needs. Entries that are hidden from `viewer` need none. */
  scopesOf(method: string, params: JsonObject | undefined, viewer?: Viewer): readonly string[]
  /** Entries are hidden from some callers. */
  hides(): boolean
  /** Whether a caller may learn that a resource has changed. */
  shows(uri: string, viewer: Viewer): boolean
  /** Takes a notification of a client that is for the author's server. */
  hear(session: Session, caller: Caller, notification: JsonRpcNotification): Promise<void> | undefined
  /** The author's server has a handler for a method of the session, which runs beside what the session does. */
  handles(method: string): boolean
  /** Where the server has tools that run as tasks. */
  tasks?: SessionTasks | undefined
  /** How many streams one response may carry: as many as a batch may have messages. */
  maxPositions: number
}

/** Tasks, as sessions use them. */
export interface SessionTasks {
  engine: OnDemand<TaskEngine>
  dispatcher: Dispatcher
}

/** A caller as the server's entries see it; undefined where they are the same for every caller. */
export function viewerOf(host: CallHost, session: Session, { auth }: Caller): Viewer | undefined {
  return host.hides() ? { auth, revision: session.revision, client: session.client } : undefined
}

/** Throws where the caller's token lacks one of the scopes. */
export type Require = (scopes: readonly string[]) => void

/** The receiver of a call's response. */
export interface Carrier {
  /** False: the client takes JSON alone, so that nothing can be sent before the response. */
  readonly streams: boolean
  /** The reply is that of several calls: a batch. */
  readonly shared: boolean
  /** Makes the reply a stream, if it is not one yet. */
  beginStream(): void
  /** The call is over in this process. */
  settled(call: Call): void
  /** The session turned out to be gone. */
  sessionGone(): void
}

/** A call that goes on where another run stopped, or whose messages are relayed: it has its stream from the start. */
interface Continuation {
  stream: string
  token: string
  /** The number of the first message. */
  from: number
  /** The greatest progress that the client has received. */
  progress: number | undefined
  /** The store names this run as the owner: it was claimed. */
  claimed: boolean
  /** The asks of the runs before. */
  asks?: string[] | undefined
  /** The connection that holds the stream. */
  holder?: Holder | undefined
  /** What is known of the trace of the run before. */
  former?: FormerTrace | undefined
  /** Of a durable call: what the runs before have left. */
  journal?: Earlier | undefined
  /** The lapses of the sign of life of this instance before it claimed the call. */
  lapses?: number | undefined
  /** HTTP+SSE (2024-11-05): puts a message on the session's one stream. The same id twice is one message. */
  relay?: Relay | undefined
}

/** A request, and everything that its call works with. */
export interface CallParts {
  readonly host: CallHost
  readonly session: Session
  readonly caller: Caller
  readonly request: JsonRpcRequest
  readonly carrier: Carrier
  readonly continued?: Continuation | undefined
  /** The call carries the response of another one, which is over. */
  readonly successor?: true
}

/** Whether the store has a journal for the call, or will have with its registration. */
export function hasJournal({ carrier, continued, host, request }: CallParts): boolean {
  if (continued?.claimed) return continued.journal !== undefined
  return carrier.streams && host.durability(request) === 'durable'
}

/** Whether the store may keep a journal for a call that has begun without one: a later run would find it. */
export function mayHaveJournal({ carrier, host, request }: CallParts): boolean {
  return carrier.streams && host.durability(request) !== 'none'
}

/** Whether the stream of the call may end before its response: the client comes back for the rest (2025-11-25). */
export function mayPause({ carrier, session }: CallParts): boolean {
  return carrier.streams && !session.legacy && features(session.revision).streamsMayPause
}

const NONE: readonly string[] = []

/** The scopes that a call needs, for the name of its stream. Only a server that has scopes is asked. */
export function scopesOfCall({ host, session, request, caller }: CallParts): readonly string[] {
  if (host.scopes.size === 0) return NONE
  return host.scopesOf(request.method, request.params, viewerOf(host, session, caller))
}

/** A call goes on beyond the turn of its request: it counts among those of its session and caller, and keeps the request's bytes. */
export function takePlace({ host, session, caller }: CallParts): void {
  host.running.begin(session.key)
  caller.held?.retain()
  caller.quota?.begin()
}

/**
 * A call that took a place is over, and its handler has settled. A handler that ignores its signal keeps the place: a client
 * that cancels and calls again would run handlers without a bound.
 */
export function givePlace({ host, session, caller }: CallParts): void {
  host.running.end(session.key)
  caller.held?.release()
  caller.quota?.end()
}

/** The continuation of a call of HTTP+SSE (2024-11-05): its messages are relayed to the session's one stream. */
export function relayed(session: Session, { id }: JsonRpcRequest, relay: Relay): Continuation {
  const stream = newStreamName(session, id)
  return { stream, token: randomId(6), from: 1, progress: undefined, claimed: false, relay }
}

/** HTTP+SSE: nobody resumes the stream of a call whose response is logged, and that of the session has what was relayed. */
export function forgetRelayed({ host: { instance }, session, continued }: CallParts): void {
  if (continued?.relay) instance.track(instance.store.release(session.key, continued.stream, '', true))
}

/** The carrier of a continued call: what it sends goes to the log, and from there to the holder. */
export const continuedCarrier: Carrier = {
  streams: true,
  shared: false,
  beginStream: () => {},
  settled: () => {},
  sessionGone: () => {},
}
