/** The names that an author imports. */

export type { MiddlewareAuth } from './auth/middleware.ts'
export type { AuthOptions, IntrospectionOptions, VerifiedToken } from './auth/options.ts'
export type {
  AskEvent,
  CallEvent,
  CallFault,
  CallOutcome,
  CallStart,
  ClientName,
  CommandEvent,
  DrainEvent,
  DrainStart,
  EventName,
  Events,
  RefusalEvent,
  RefusalKind,
  RequestEvent,
  RequestStart,
  StoreEvent,
  StreamEvent,
  StreamStart,
  TakeoverEvent,
  TraceContext,
} from './base/events.ts'
export { onEvent } from './base/events.ts'
export { readKeyRing } from './base/sealing.ts'
export type { Rate } from './base/setting.ts'
export { createEndpoint, type Endpoint, type EndpointOptions } from './endpoint.ts'
export type { FetchOptions } from './http/fetch-options.ts'
export type { McpConfig, ServeConfig } from './mcp-config.ts'
export { type CreateMcpHandlerOptions, createMcpHandler, type McpHttpHandler } from './mcp-handler.ts'
export { once } from './once.ts'
export type { AuthInfo } from './protocol/auth-info.ts'
export { ErrorCode, McpError, ProtocolError } from './protocol/errors.ts'
export type { RequestId } from './protocol/jsonrpc.ts'
export type { CacheableMethod } from './protocol/methods.ts'
export {
  MissingRequiredClientCapabilityError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  UrlElicitationRequiredError,
} from './protocol/official-errors.ts'
export type {
  CallToolRequest,
  CancelledNotification,
  CompleteRequest,
  CreateMessageRequest,
  Cursor,
  ElicitationCompleteNotification,
  ElicitRequest,
  EmptyResult,
  GetPromptRequest,
  ListPromptsResult,
  ListResourcesResult,
  ListResourceTemplatesResult,
  ListRootsRequest,
  ListToolsResult,
  LoggingMessageNotification,
  PingRequest,
  Progress,
  ProgressNotification,
  PromptListChangedNotification,
  ReadResourceRequest,
  RequestMeta,
  ResourceListChangedNotification,
  ResourceUpdatedNotification,
  ServerNotification,
  ServerRequest,
  ToolListChangedNotification,
} from './protocol/official-types.ts'
export type {
  Annotations,
  AudioContent,
  BlobResourceContents,
  CallToolResult,
  ClientCapabilities,
  CompleteResult,
  ContentBlock,
  CreateMessageRequestParams,
  CreateMessageResult,
  ElicitRequestFormParams,
  ElicitRequestParams,
  ElicitRequestURLParams,
  ElicitResult,
  EmbeddedResource,
  GetPromptResult,
  Icon,
  ImageContent,
  Implementation,
  ListRootsResult,
  LoggingLevel,
  ModelHint,
  ModelPreferences,
  ProgressToken,
  Prompt,
  PromptArgument,
  PromptMessage,
  ReadResourceResult,
  Resource,
  ResourceContents,
  ResourceLink,
  ResourceTemplate as ResourceTemplateType,
  Role,
  Root,
  SamplingMessage,
  SamplingMessageContentBlock,
  ServerCapabilities,
  TextContent,
  TextResourceContents,
  Tool,
  ToolAnnotations,
  ToolChoice,
  ToolResultContent,
  ToolUseContent,
} from './protocol/types.ts'
export { createNotifier, type Notifier } from './runtime/notifier.ts'
export type {
  McpHandlerRequestOptions,
  OfficialHandlerOptions,
  ServerEvent,
  ServerEventBus,
} from './sdk/drop-in.ts'
export type {
  OfficialFactory,
  OfficialFactoryContext,
  OfficialServer,
  Servable,
} from './sdk/official.ts'
export type { Instances, OfficialOptions, OfficialToolOptions } from './sdk/options.ts'
export type { AnnounceOptions, Announcer, ClientView, RequestInfo } from './server/context/client-channel.ts'
export type { AskOptions, Context, Elicited, ElicitedBy } from './server/context/context.ts'
export { AskError, type AskFailure, AskPending, MissingCapability } from './server/context/errors.ts'
export type {
  HttpContext,
  McpRequest,
  OfficialAuthInfo,
  OfficialRequestInfo,
  ParsedBy,
  RequestHandlerExtra,
  ResultSchema,
  SendNotification,
  SendOptions,
  SendRequest,
  SentRequest,
  ServerContext,
} from './server/context/official-types.ts'
export {
  CreateMessageResultSchema,
  ElicitResultSchema,
  EmptyResultSchema,
  ListRootsResultSchema,
} from './server/context/result-schemas.ts'
export { type LowLevelServer, Server } from './server/low-level.ts'
export { McpServer, type McpServerOptions } from './server/mcp-server.ts'
export { resourceNotFound } from './server/methods/not-found.ts'
export {
  type Completer,
  type Completer as CompleteResourceTemplateCallback,
  completable,
} from './server/registry/completable.ts'
export type {
  CacheHint,
  Caller,
  ListResourcesCallback,
  PromptCallback,
  PromptConfig,
  PromptHandler,
  ReadResourceCallback,
  ReadResourceTemplateCallback,
  ResourceConfig,
  ResourceHandler,
  ResourceMetadata,
  ResourceTemplateHandler,
  ToolCallback,
  ToolConfig,
  ToolHandler,
  ToolLimits,
  ToolResult,
} from './server/registry/config.ts'
export type {
  PromptHandle as RegisteredPrompt,
  ResourceHandle as RegisteredResource,
  TemplateHandle as RegisteredResourceTemplate,
  ToolHandle as RegisteredTool,
} from './server/registry/handles.ts'
export type { Middleware, MiddlewareCall, Next } from './server/registry/middleware.ts'
export { ResourceTemplate, type ResourceTemplateOptions } from './server/registry/resource-template.ts'
export type {
  AnySchema,
  InputOf,
  OutputOf,
  RawShape,
  Schema,
  StandardSchema,
  ToJsonSchema,
} from './server/schema/schema.ts'
export type { HttpOptions, SessionOptions, StatelessOptions } from './settings.ts'
export type { AnswerReply, AskStore } from './store/asks.ts'
export type { BusStore, Change, ChangeEntry, Changes, Receiving } from './store/bus.ts'
export { comparePositions } from './store/bus.ts'
export type { Append, AppendReply, CallEnd, CallLook, CallStore, ClaimReply, Registration } from './store/calls.ts'
export type {
  Journal,
  JournalStore,
  Keep,
  KeepReply,
  PollReply,
  SuspendReply,
  Suspension,
} from './store/journal.ts'
export type { LimitStore } from './store/limits.ts'
export { memoryStore } from './store/memory/index.ts'
export { GET_STREAM, type Holder, type Owner, type SessionKey, type Status } from './store/names.ts'
export type { Lifetimes, LogBounds } from './store/options.ts'
export { DEFAULT_CHANGES, DEFAULT_LIFETIMES, DEFAULT_LOG_BOUNDS } from './store/options.ts'
export { sealedStore, type Unsealed } from './store/sealed.ts'
export type { DeleteReply, Quota, SessionRow, SessionStore, SubscribeReply } from './store/sessions.ts'
export { type Receiver, type Store, type StoreBase, type StoreOptions, StoreUnavailable } from './store/store.ts'
export type { Advance, LogEntry, LookReply, Position, StreamStore, TakeReply } from './store/streams.ts'
export type { ValueKind, ValueStore } from './store/values.ts'
export type { Executor, RunTask, Wake } from './tasks/executor.ts'
