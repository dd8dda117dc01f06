/** What an author imports. */

export type { AuthOptions, IntrospectionOptions, VerifiedToken } from './auth/options.ts'
export { readKeyRing } from './base/sealing.ts'
export type { Endpoint, EndpointOptions } from './endpoint.ts'
export { createEndpoint } from './endpoint.ts'
export type { Notifier } from './runtime/notifier.ts'
export { createNotifier } from './runtime/notifier.ts'
export type {
  Announcer,
  AskFailure,
  AskOptions,
  AuthInfo,
  CacheableMethod,
  CacheHint,
  ClientView,
  Completer,
  Context,
  Elicited,
  ElicitedBy,
  Handles,
  InputOf,
  KeyValues,
  ListResourcesCallback,
  McpServerOptions,
  OutputOf,
  PromptConfig,
  PromptHandler,
  RequestInfo,
  ResourceConfig,
  ResourceHandler,
  ResourceTemplateHandler,
  ResourceTemplateOptions,
  Schema,
  StandardSchema,
  ToolConfig,
  ToolHandler,
  ToolResult,
} from './server/index.ts'
export {
  AskError,
  AskPending,
  completable,
  ErrorCode,
  McpServer,
  MissingCapability,
  ProtocolError,
  ResourceTemplate,
  resourceNotFound,
} from './server/index.ts'
export type { HttpOptions, Rate, SessionOptions, StatelessOptions } from './settings.ts'
export type { AnswerReply, AskStore } from './store/asks.ts'
export type { BusStore, Change, ChangeEntry, Changes, Receiver, Receiving } from './store/bus.ts'
export { comparePositions } from './store/bus.ts'
export type { Append, AppendReply, CallEnd, CallLook, CallStore, ClaimReply, Registration } from './store/calls.ts'
export type { LimitStore } from './store/limits.ts'
export { memoryStore } from './store/memory/index.ts'
export type { Holder, Owner, SessionKey, Status } from './store/names.ts'
export { GET_STREAM } from './store/names.ts'
export type { Lifetimes, LogBounds, StoreOptions } from './store/options.ts'
export { DEFAULT_CHANGES, DEFAULT_LIFETIMES, DEFAULT_LOG_BOUNDS } from './store/options.ts'
export type { RedisStoreOptions } from './store/redis/index.ts'
export { redisStore } from './store/redis/index.ts'
export type { Unsealed } from './store/sealed.ts'
export { sealedStore } from './store/sealed.ts'
export type { DeleteReply, Quota, SessionRow, SessionStore, SubscribeReply } from './store/sessions.ts'
export type { Store, StoreBase } from './store/store.ts'
export { StoreUnavailable } from './store/store.ts'
export type { Advance, LogEntry, LookReply, Position, StreamStore, TakeReply } from './store/streams.ts'
export type { ValueKind, ValueStore } from './store/values.ts'
