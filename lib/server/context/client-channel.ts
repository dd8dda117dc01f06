/**
 * The channel between a handler and its client. Calls of sessions and calls of the stateless revision implement it,
 * each in its way; a handler cannot tell them apart.
 */
import type { Clock } from '../../base/clock.ts'
import type { CallStart } from '../../base/events.ts'
import type { AuthInfo } from '../../protocol/auth-info.ts'
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { isObject, type JsonObject, type RequestId } from '../../protocol/jsonrpc.ts'
import type { Method } from '../../protocol/methods.ts'
import type { Revision } from '../../protocol/revisions.ts'
import type { ClientCapabilities, Implementation, LoggingLevel } from '../../protocol/types.ts'
import type { Handles, KeyValues } from '../../store/values.ts'

/** The HTTP request that carried the call. */
export interface RequestInfo {
  headers: Headers
  /** The address of the client as the platform reports it. */
  address?: string | undefined
  /**
   * The address of the endpoint as the client has it: path and query as it sent them, in front of a proxy that cuts a prefix off,
   * too. Scheme and host are those that reached the instance. A call that another instance runs again has the URL of its first
   * run. Undefined where there is no HTTP (stdio).
   */
  url?: URL | undefined
}

export interface ClientView {
  info: Implementation | undefined
  capabilities: ClientCapabilities
}

/** The requests to clients that the specification has. */
export type AskMethod = 'elicitation/create' | 'sampling/createMessage' | 'roots/list' | 'ping'

/** A request from the server to the client. `params` are ready for the wire of the revision. */
export interface Ask {
  /** An {@link AskMethod}; in sessions also one that server and client have agreed on. */
  method: string
  params: JsonObject | undefined
  /** The author's key, or `kind-ordinal`. A replayed handler finds its answer under the same key. */
  key: string
  /** How long to wait, in ms; undefined: the endpoint's default. */
  timeout: number | undefined
  /** Aborted when nobody waits for the answer any longer: the client's work on it is cancelled. */
  signal?: AbortSignal | undefined
  /** The handler must not run again: in the stateless revision its run waits for the answer, on a channel that {@link ClientChannel.parks}. */
  waits?: boolean | undefined
  /** Called as the ask is sent, with its id where it has one. Returns members for `_meta` of the request. */
  sending?: ((id?: string) => Readonly<Record<string, string>> | undefined) | undefined
}

/** The params of an ask with what {@link Ask.sending} adds. */
export function withMeta(params: JsonObject | undefined, meta: Readonly<Record<string, string>>): JsonObject {
  return { ...params, _meta: { ...(isObject(params?._meta) && params._meta), ...meta } }
}

export interface AnnounceOptions {
  /**
   * The principal whose clients are notified (`ctx.principal`): what belongs to one caller concerns nobody else. Default:
   * everybody.
   */
  to?: string
}

/** Notifies clients of a change, whichever instance they are connected to. */
export interface Announcer {
  toolsChanged(options?: AnnounceOptions): Promise<void>
  promptsChanged(options?: AnnounceOptions): Promise<void>
  resourcesChanged(options?: AnnounceOptions): Promise<void>
  /** Notifies the clients that subscribed to the URI. */
  resourceUpdated(uri: string, options?: AnnounceOptions): Promise<void>
}

/** What a handler has said or done, in development: see `lib/server/replay`. */
export interface HandlerStep {
  /** difference: a run before this one has differed from its replay. */
  kind: 'message' | 'ask' | 'once' | 'result' | 'difference'
  /** The method of a message, the key of an ask, the name in `ctx.once`. */
  name: string
  text: string
}

export interface ClientChannel {
  readonly revision: Revision
  readonly client: ClientView
  readonly requestId: RequestId
  /** The method of the request. */
  readonly method: string
  /** The client's `Mcp-Session-Id`; undefined where there is no session. */
  readonly sessionId: string | undefined
  readonly auth: AuthInfo | undefined
  /** The caller's name in all that is kept. */
  readonly principal: string
  readonly request: RequestInfo
  /** The event of the call, where somebody listens. */
  readonly event?: CallStart | undefined
  /** Another instance began the call, and this is its second run. */
  readonly takenOver?: boolean | undefined
  /** Of the endpoint. */
  readonly clock?: Clock | undefined
  /** The name of the session in the store; undefined where there is no session. */
  readonly sessionKey?: string | undefined
  /** The mark of the session's last notification for the server. Its value is in {@link session}, see `heard.ts`. */
  readonly heardMark?: string | undefined
  /** Stateless revision: a run can wait in its instance for the answers to its asks. */
  readonly parks?: boolean | undefined
  /** Stateless revision, in development: the steps of the run before this one. They are kept with the answers. */
  steps?: readonly HandlerStep[] | undefined
  /** Receives the answer of each ask that waits for the client, as it is sent. */
  onAsk?: ((answer: Promise<unknown>) => void) | undefined
  /** Aborted when the call was cancelled, its session ended, or its instance stops. Made when it is first read. */
  readonly signal: AbortSignal
  /** The state of the session; undefined in the stateless revision. */
  readonly session: KeyValues | undefined
  readonly user: KeyValues
  readonly handles: Handles
  /** The same four as `endpoint.notify`. */
  readonly announce: Announcer
  /** True if the client wants log messages of this level. */
  wants(level: LoggingLevel): boolean
  /**
   * Sends a notification on the call's stream, in order. The promise does not wait for the client; it waits only while
   * the stream is over its bound. A client that takes no stream gets no notification.
   */
  notify(method: string, params: JsonObject): Promise<void>
  /**
   * Sends a request to the client and waits for its result.
   * `ctx.elicit` and the like call it before their first await, so that the asks of one turn go out together.
   *
   * @throws AskError when the client answers with an error, the deadline passes, or the client takes no stream.
   * @throws AskPending when the answer comes with a later request (stateless revision).
   */
  ask(ask: Ask): Promise<JsonObject>
  /** Runs `fn` once for the call and keeps its JSON result, also over a replay. */
  once<T>(name: string, fn: () => T | Promise<T>, options?: { single?: boolean }): Promise<T>
  /** As `ctx.task`; a channel without it has no tasks. */
  task?(): Promise<boolean>
  /** Has a drain, and the sleep of a Lambda environment, wait for work that goes on after the answer. */
  waitUntil(work: PromiseLike<unknown>): void
  /** Ends the connection with a `retry` hint while the call goes on (2025-11-25; nothing otherwise). */
  closeStream(retryMs?: number): void
  /**
   * The call gets its response before `handler` has settled. Its signal is aborted, and the handler keeps the place of a call
   * until it settles.
   */
  leave?(handler: Promise<unknown>, reason: DOMException): void
}

/** The channel that a method's handler gets: it asks only where the method's row lets it. */
export function channelFor(method: string, row: Method | undefined, channel: ClientChannel): ClientChannel {
  if (row?.asks !== undefined) return channel
  const refuse = () =>
    Promise.reject(new ProtocolError(ErrorCode.InternalError, `A handler of ${method} cannot ask the client.`))
  return new Proxy(channel, {
    get(target, name) {
      // The channels have private members: their getters and methods need the channel itself as `this`.
      const member: unknown = name === 'ask' ? refuse : Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}
