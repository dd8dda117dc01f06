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
export { memoryStore } from './store/memory/index.ts'
export type { RedisStoreOptions } from './store/redis/index.ts'
export { redisStore } from './store/redis/index.ts'
export type { Unsealed } from './store/sealed.ts'
export { sealedStore } from './store/sealed.ts'
export type { Store } from './store/store.ts'
