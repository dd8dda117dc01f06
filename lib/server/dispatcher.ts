/** The interface between a server and the endpoint. Code above lib/server uses a server through it only. */
import { type AuthInfo, hasScopes } from '../protocol/auth-info.ts'
import type { ProtocolError } from '../protocol/errors.ts'
import type { JsonObject, JsonRpcRequest, Result } from '../protocol/jsonrpc.ts'
import type { MethodTable } from '../protocol/methods.ts'
import type { Revision } from '../protocol/revisions.ts'
import type { Implementation, ServerCapabilities } from '../protocol/types.ts'
import type { ClientChannel, ClientView } from './context/client-channel.ts'
import type { Announcement } from './registry/announcement.ts'
import type { Caller } from './registry/config.ts'
import type { Policy } from './registry/policy.ts'
import type { Cacheable } from './registry/registry.ts'

/** Messages that the endpoint can deliver. Capabilities that need others are not announced. */
export interface Offer {
  /** Notices of changed lists. */
  listChanged: boolean
  /** Notices of changed resources, to those who subscribed. */
  subscribe: boolean
  /** Log messages during a call. */
  logging: boolean
  /** Tasks: the store keeps them. */
  tasks?: boolean
}

/** A server as `initialize` and `server/discover` describe it, in one revision. */
export interface Description {
  revision: Revision
  info: Implementation
  capabilities: ServerCapabilities
  instructions: string | undefined
  /** How long a client may keep this description (2026-07-28). */
  cacheHint: Cacheable
}

/** The session of a client, and the caller of the request by which it made something known. */
interface Hearing {
  session: { readonly id: string; readonly revision: Revision; readonly client: ClientView }
  caller: { readonly principal: string; readonly auth: AuthInfo | undefined }
  /** The id under which the session keeps the notification. Undefined: it keeps none. */
  kept?: string | undefined
}

export interface Dispatcher {
  /** The methods of the protocol, and those that the server adds. */
  readonly methods: MethodTable
  /** Every scope that a request can need, or could: the stream of a call needs those of its time. */
  readonly scopes: ReadonlySet<string>
  /** Entries are hidden from some callers: what the server says of an entry depends on who asks. */
  readonly hides?: boolean
  /** Handlers may ask where they must not run again: in the stateless revision their runs wait for the answers (`Ask.waits`). */
  readonly waits?: boolean
  /** Calls of a tool may be tasks. */
  readonly tasks?: boolean
  /**
   * Answers one request. It returns a promise only where the handler, or the schema library, returns one. In the
   * stateless revision the result still lacks `resultType` and the server's identity: `completeResult` adds them.
   *
   * @throws ProtocolError (or rejects with it) where the answer is a JSON-RPC error; -32601 for a method that the
   *   server does not have, which includes one that no registered entry is about
   * @throws AskPending where the run ends with open asks, and MissingCapability, both in the stateless revision only
   */
  dispatch(method: string, params: JsonObject | undefined, channel: ClientChannel): Result | Promise<Result>
  /** Returns the same object until the description changes. */
  describe(revision: Revision, offer: Offer): Description
  /**
   * Called before each tool call: it must allocate nothing there. An entry that is hidden from `caller` has the policy of a
   * name that does not exist. Without a caller no entry is hidden.
   */
  policyOf(method: string, params: JsonObject | undefined, caller?: Caller): Policy
  /** Whether the server has said that it has a tool or prompt of this name. Undefined or false: nobody knows. */
  knows?(kind: 'tool' | 'prompt', name: string): boolean
  /** Whether a caller may learn that a resource has changed. Called where {@link hides} is true. */
  shows?(uri: string, caller: Caller): boolean
  /**
   * Calls `listener` with what the server makes known outside any call, until the function that it returns is called. A server
   * that makes nothing known has no such member.
   */
  onChange?(listener: (change: Announcement) => void): (() => void) | undefined
  /**
   * Makes the server ready. An endpoint waits for it before its first request; before that only `methods`, `scopes` and `hides`
   * can be read. A server that is ready from the start has no such member.
   *
   * @param completed announces that the user is done with the page of a URL elicitation
   * @returns sentences for the log of the start
   * @throws TypeError with one line for a server that cannot be served
   */
  open?(completed: (elicitationId: string) => Promise<unknown>): Promise<readonly string[]>
  /** Why requests of the stateless revision, `server/discover` included, are not served for this principal; undefined: they are. */
  refusesStateless?(principal: string): ProtocolError | undefined
  /**
   * A client with a session made something known: by a notification, or by a request that its session answers itself (`ping`,
   * `logging/setLevel`, `resources/subscribe`, `resources/unsubscribe`), which may be refused afterwards. It throws nothing.
   */
  heard?(method: string, params: JsonObject | undefined, hearing: Hearing): void
  /**
   * True for notifications that each process has to know which serves the session: the session keeps the latest of the method, and
   * another process finds it by {@link ClientChannel.heardMark}.
   */
  keeps?(method: string): boolean
  /** The server handles a method of the session, which the session answers, too: it is dispatched before that. */
  handles?(method: string): boolean
  /** Where faults of the server go that belong to no call. */
  reportTo?(report: (error: Error) => void): void
  /** Ends what the server keeps running: its processes, its own work at the end. The endpoint has drained, and no call runs. */
  close?(): Promise<void>
}

/**
 * All scopes that a request needs, for one challenge, if the caller lacks one of them; otherwise undefined. `caller`: where
 * the dispatcher hides entries.
 */
export function missingScopes(
  dispatcher: Dispatcher,
  auth: AuthInfo | undefined,
  method: string,
  params: JsonObject | undefined,
  caller?: Caller,
): readonly string[] | undefined {
  if (auth === undefined || dispatcher.scopes.size === 0) return undefined
  const { scopes } = dispatcher.policyOf(method, params, caller)
  return hasScopes(auth, scopes) ? undefined : scopes
}

/**
 * Whether a request may be run again. none: never. again: when its instance dies. durable: at any moment, from what its journal has,
 * so that its run may end while its client is asked, and begin again with the answer.
 */
export type Durability = 'none' | 'again' | 'durable'

/** Which requests may be suspended: `all` has every tool taken for a durable one. */
interface Suspending {
  /** ms; 0: never. */
  suspendAfter: number
  suspend: 'durable' | 'all'
}

/** Requests without an effect need a journal only where they are suspended. */
export function durabilityOf(
  dispatcher: Dispatcher,
  { method, params }: Pick<JsonRpcRequest, 'method' | 'params'>,
  { suspendAfter, suspend }: Suspending,
): Durability {
  const runsAgain = dispatcher.methods.get(method)?.runsAgain
  if (runsAgain === undefined) return 'none'
  const suspends = suspendAfter > 0
  if (runsAgain === 'always') return suspends ? 'durable' : 'again'
  const policy = dispatcher.policyOf(method, params)
  if (policy.durable || (suspends && (policy.reads || suspend === 'all'))) return 'durable'
  return policy.runsAgain ? 'again' : 'none'
}
