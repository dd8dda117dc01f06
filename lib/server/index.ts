/** The exports for authors of servers. lib/index.ts adds the endpoint. */

export type { AuthInfo } from '../protocol/auth-info.ts'
export { ErrorCode, ProtocolError } from '../protocol/errors.ts'
export type { CacheableMethod } from '../protocol/methods.ts'
export type { Handles, KeyValues } from '../store/values.ts'
export type { Announcer, ClientView, RequestInfo } from './context/client-channel.ts'
export type { AskOptions, Context, Elicited, ElicitedBy } from './context/context.ts'
export { AskError, type AskFailure, AskPending, MissingCapability } from './context/errors.ts'
export { McpServer, type McpServerOptions } from './mcp-server.ts'
export { resourceNotFound } from './methods/resources.ts'
export { type Completer, completable } from './registry/completable.ts'
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
} from './registry/config.ts'
export { ResourceTemplate, type ResourceTemplateOptions } from './registry/resource-template.ts'
export type { InputOf, OutputOf, Schema, StandardSchema } from './schema/schema.ts'
