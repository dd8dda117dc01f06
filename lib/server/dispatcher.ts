/** What the endpoint needs of a server, whichever way that was written. Nothing above lib/server knows more. */
import type { AuthInfo } from '../protocol/auth-info.ts'
import type { JsonObject, RawJson } from '../protocol/jsonrpc.ts'
import type { MethodTable } from '../protocol/methods.ts'
import type { Revision } from '../protocol/revisions.ts'
import type { CacheScope, Implementation, ServerCapabilities } from '../protocol/types.ts'
import type { ClientChannel } from './context/client-channel.ts'
import type { ParamHeader } from './schema/param-headers.ts'

export type Result = JsonObject | RawJson

/** What the place where a server runs can deliver of what it has. */
export interface Offer {
  /** Notices of changed lists. */
  listChanged: boolean
  /** Notices of changed resources, to those who subscribed. */
  subscribe: boolean
  /** Log messages during a call. */
  logging: boolean
}

/** What `initialize` and `server/discover` say of a server, as the revision has it. */
export interface Description {
  info: Implementation
  capabilities: ServerCapabilities
  instructions: string | undefined
  /** How long a client may keep this description (2026-07-28). */
  cacheHint: { ttlMs: number; cacheScope: CacheScope }
}

/** What holds for one request. What a dispatcher does not say is not so. */
export interface Policy {
  /** OAuth scopes that the caller needs. */
  readonly scopes: readonly string[]
  /** Another instance may run it when the first one dies; asked where the method's row says `by policy`. */
  readonly runsAgain: boolean
  /** Arguments that the headers `Mcp-Param-*` repeat (2026-07-28). */
  readonly paramHeaders: readonly ParamHeader[]
}

export interface Dispatcher {
  /** The methods of the protocol, and those that the server adds. */
  readonly methods: MethodTable
  /** Every scope that something here needs. */
  readonly scopes: ReadonlySet<string>
  /**
   * Answers one request. What can be answered at once is: a promise is returned only where the handler, or the schema
   * library, returns one. In the stateless revision the result still lacks `resultType` and the server's identity:
   * `completeResult` adds them.
   *
   * @throws ProtocolError (or rejects with it) where the answer is a JSON-RPC error; -32601 for a method that the server
   *   does not have, also because nothing is registered for it
   * @throws AskPending where the run ends with open asks, and MissingCapability, both in the stateless revision only
   */
  dispatch(method: string, params: JsonObject | undefined, channel: ClientChannel): Result | Promise<Result>
  describe(revision: Revision, offer: Offer): Description
  policyOf(method: string, params: JsonObject | undefined): Policy
}

/** All scopes that a request needs, for one challenge, if the caller lacks any of them. */
export function missingScopes(
  dispatcher: Dispatcher,
  auth: AuthInfo | undefined,
  method: string,
  params: JsonObject | undefined,
): readonly string[] | undefined {
  if (auth === undefined || dispatcher.scopes.size === 0) return undefined
  const { scopes } = dispatcher.policyOf(method, params)
  return scopes.every((scope) => auth.scopes.includes(scope)) ? undefined : scopes
}
