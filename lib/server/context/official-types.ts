/** The types of the members that a context shares with those of the official SDK. */
import type { JsonObject, RequestId } from '../../protocol/jsonrpc.ts'
import type { EmptyResult, RequestMeta, ServerNotification, ServerRequest } from '../../protocol/official-types.ts'
import type {
  ClientCapabilities,
  CreateMessageRequestParams,
  CreateMessageResult,
  ElicitRequestParams,
  ElicitResult,
  Implementation,
  ListRootsResult,
  LoggingLevel,
} from '../../protocol/types.ts'
import type { Context } from './context.ts'

/** The second argument of a handler under its name in SDK 1.x. */
export type RequestHandlerExtra<_Request = ServerRequest, _Notification = ServerNotification> = Context
/** The second argument of a handler under its name in SDK 2.x. */
export type ServerContext = Context

/** The caller as SDK 1.x and 2.x describe it. `extra` has the claims of the token. */
export interface OfficialAuthInfo {
  token: string
  /** Empty where the token names no client. */
  clientId: string
  scopes: string[]
  /** Seconds since 1970. */
  expiresAt?: number
  /** The resource that the token is for, where its audience is one URL. */
  resource?: URL
  extra?: Record<string, unknown>
}

/** The HTTP request as SDK 1.x describes it. */
export interface OfficialRequestInfo {
  /** By lower-case name. */
  headers: Record<string, string>
  url: URL
}

/** Options of a request to the client. Those of the official SDK that are not here have no effect. */
export interface SendOptions {
  /** How long to wait, in ms. Default: the endpoint's. Calls of the stateless revision do not wait. */
  timeout?: number | undefined
  /** As `timeout`: progress does not prolong it. */
  maxTotalTimeout?: number | undefined
  /** Ends the wait, and cancels the client's work on the answer. */
  signal?: AbortSignal | undefined
  /** The name of the answer where handlers are replayed: see `AskOptions`. */
  key?: string | undefined
}

/** A schema that parses a result: any with Standard Schema, `safeParse` or `parse`. */
export type ResultSchema =
  | { readonly '~standard': { readonly validate: (value: unknown) => unknown } }
  | { safeParse(value: unknown): unknown }
  | { parse(value: unknown): unknown }

/** The type after parsing. */
export type ParsedBy<S> = S extends { parse: (value: unknown, ...more: never[]) => infer T }
  ? Awaited<T>
  : S extends { readonly '~standard': { readonly types?: infer T } }
    ? NonNullable<T> extends { output: infer O }
      ? O
      : JsonObject
    : JsonObject

/** The results of what a handler may send to its client. */
interface Results {
  'elicitation/create': ElicitResult
  'sampling/createMessage': CreateMessageResult
  'roots/list': ListRootsResult
  ping: EmptyResult
}

/** A request in the words of the protocol. */
export interface SentRequest {
  method: string
  params?: object | undefined
}

/** `ctx.sendRequest` of SDK 1.x. The second signature lets handlers compile that name the SDK's own type for their context. */
export interface SendRequest {
  <S extends ResultSchema>(
    request: ServerRequest | SentRequest,
    resultSchema: S,
    options?: SendOptions,
  ): Promise<ParsedBy<S>>
  // biome-ignore lint/suspicious/noExplicitAny: the type after parsing is known to the SDK's declarations alone
  (request: SentRequest, resultSchema: object, options?: SendOptions): Promise<any>
}

/** `ctx.sendNotification`. A notification of another method is an extension of author and client. */
export type SendNotification = (notification: ServerNotification | SentRequest) => Promise<void>

/** The reserved members of `_meta`. */
export interface Envelope {
  'io.modelcontextprotocol/protocolVersion'?: string
  'io.modelcontextprotocol/clientInfo'?: Implementation
  'io.modelcontextprotocol/clientCapabilities'?: ClientCapabilities
  'io.modelcontextprotocol/logLevel'?: LoggingLevel
}

/** `ctx.mcpReq` of SDK 2.x. */
export interface McpRequest {
  id: RequestId
  method: string
  /** `_meta` of the request, without the members that `envelope` has. */
  _meta: RequestMeta | undefined
  /** The members of `_meta` that 2026-07-28 reserves for how client and revision are described; undefined in sessions. */
  envelope: Envelope | undefined
  signal: AbortSignal
  /** Always undefined: the endpoint itself keeps the state of a request and replays the handler with the answers. */
  requestState: () => undefined
  send: {
    <M extends keyof Results>(
      request: { method: M; params?: object | undefined },
      options?: SendOptions,
    ): Promise<Results[M]>
    <S extends ResultSchema>(request: SentRequest, resultSchema: S, options?: SendOptions): Promise<ParsedBy<S>>
    // biome-ignore lint/suspicious/noExplicitAny: as for `SendRequest`
    (request: SentRequest, second?: object, options?: SendOptions): Promise<any>
  }
  notify: SendNotification
  log(level: LoggingLevel, data: unknown, logger?: string): Promise<void>
  /** The content of an answer is checked against `requestedSchema`. It works in every revision that has elicitation. */
  elicitInput(params: ElicitRequestParams, options?: SendOptions): Promise<ElicitResult>
  /** It works in every revision that has sampling. */
  requestSampling(params: CreateMessageRequestParams, options?: SendOptions): Promise<CreateMessageResult>
}

/** `ctx.http` of SDK 2.x. */
export interface HttpContext {
  authInfo: OfficialAuthInfo | undefined
  /** The request without its body, which has been read. */
  req: Request
  /** Ends the connection while the call goes on (2025-11-25). */
  closeSSE: () => void
}
