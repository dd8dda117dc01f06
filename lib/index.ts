/** What an author imports. */
export type { Notifier } from './announce.ts'
export { createNotifier } from './announce.ts'
export type { AuthOptions, IntrospectionOptions, VerifiedToken } from './auth/options.ts'
export { readKeyRing } from './base/sealing.ts'
export type { Endpoint, EndpointOptions } from './endpoint.ts'
export { createEndpoint } from './endpoint.ts'
export type { HttpOptions } from './http/options.ts'
export type { Rate } from './http/rates.ts'
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
export type { SessionOptions } from './session/options.ts'
export type { StatelessOptions } from './stateless/options.ts'
export { memoryStore } from './store/memory.ts'
export type { RedisStoreOptions } from './store/redis/index.ts'
export { redisStore } from './store/redis/index.ts'
export type { Unsealed } from './store/sealed.ts'
export { sealedStore } from './store/sealed.ts'
export type { Store } from './store/store.ts'
