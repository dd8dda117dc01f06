/** What an author of a server uses. lib/index.ts adds the endpoint to it. */
export { ErrorCode, ProtocolError } from '../protocol/errors.ts'
export { type Completer, completable } from './completable.ts'
export type {
  CacheHint,
  ListResourcesCallback,
  PromptConfig,
  PromptHandler,
  ResourceConfig,
  ResourceHandler,
  ResourceTemplateHandler,
  ToolConfig,
  ToolHandler,
  ToolResult,
} from './config.ts'
export type { AskOptions, Context, Elicited, ElicitedBy } from './context.ts'
export { AskError, type AskFailure, AskPending, MissingCapability } from './errors.ts'
export type { Announcer, AuthInfo, ClientView, Handles, KeyValues, RequestInfo } from './outlet.ts'
export { ResourceTemplate, type ResourceTemplateOptions } from './resource-template.ts'
export { resourceNotFound } from './resources.ts'
export type { InputOf, OutputOf, Schema, StandardSchema } from './schema.ts'
export { type CacheableMethod, McpServer, type McpServerOptions } from './server.ts'
