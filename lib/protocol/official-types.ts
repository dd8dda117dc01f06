/**
 * Types of messages under the names of the official SDK, for servers that were written for it. `types.ts` has the data that
 * they carry.
 */
import type { JsonObject, RequestId } from './jsonrpc.ts'
import type {
  CacheScope,
  CreateMessageRequestParams,
  ElicitRequestParams,
  LoggingLevel,
  ProgressToken,
  Prompt,
  Resource,
  ResourceTemplate,
  Tool,
} from './types.ts'

/** `_meta` of a request. */
export type RequestMeta = JsonObject & { progressToken?: ProgressToken | undefined }

export type Cursor = string

type Message<Method extends string, Params> = { method: Method; params: Params }
type WithMeta = { _meta?: RequestMeta | undefined }
type Bare<Method extends string> = { method: Method; params?: WithMeta | undefined }

// From the client to the server

export type CallToolRequest = Message<
  'tools/call',
  WithMeta & { name: string; arguments?: Record<string, unknown> | undefined }
>
export type GetPromptRequest = Message<
  'prompts/get',
  WithMeta & { name: string; arguments?: Record<string, string> | undefined }
>
export type ReadResourceRequest = Message<'resources/read', WithMeta & { uri: string }>
export type CompleteRequest = Message<
  'completion/complete',
  WithMeta & {
    ref: { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string }
    argument: { name: string; value: string }
    context?: { arguments?: Record<string, string> | undefined } | undefined
  }
>

type Page = {
  _meta?: JsonObject | undefined
  nextCursor?: Cursor | undefined
  /** How long the page may be kept, in ms, and by whom (2026-07-28). */
  ttlMs?: number | undefined
  cacheScope?: CacheScope | undefined
}
export type ListToolsResult = Page & { tools: Tool[] }
export type ListPromptsResult = Page & { prompts: Prompt[] }
export type ListResourcesResult = Page & { resources: Resource[] }
export type ListResourceTemplatesResult = Page & { resourceTemplates: ResourceTemplate[] }
export type EmptyResult = { _meta?: JsonObject | undefined }

// From the server to the client

export type ElicitRequest = Message<'elicitation/create', ElicitRequestParams>
export type CreateMessageRequest = Message<'sampling/createMessage', CreateMessageRequestParams>
export type ListRootsRequest = Bare<'roots/list'>
export type PingRequest = Bare<'ping'>
/** A request that a handler may send to its client. */
export type ServerRequest = ElicitRequest | CreateMessageRequest | ListRootsRequest | PingRequest

export type Progress = { progress: number; total?: number | undefined; message?: string | undefined }
export type ProgressNotification = Message<
  'notifications/progress',
  Progress & { progressToken: ProgressToken; _meta?: JsonObject | undefined }
>
export type LoggingMessageNotification = Message<
  'notifications/message',
  { level: LoggingLevel; data: unknown; logger?: string | undefined; _meta?: JsonObject | undefined }
>
export type CancelledNotification = Message<
  'notifications/cancelled',
  { requestId?: RequestId | undefined; reason?: string | undefined }
>
export type ResourceUpdatedNotification = Message<'notifications/resources/updated', { uri: string }>
export type ElicitationCompleteNotification = Message<'notifications/elicitation/complete', { elicitationId: string }>
export type ResourceListChangedNotification = Bare<'notifications/resources/list_changed'>
export type ToolListChangedNotification = Bare<'notifications/tools/list_changed'>
export type PromptListChangedNotification = Bare<'notifications/prompts/list_changed'>
/** A notification that a handler may send to its client. */
export type ServerNotification =
  | ProgressNotification
  | LoggingMessageNotification
  | CancelledNotification
  | ResourceUpdatedNotification
  | ElicitationCompleteNotification
  | ResourceListChangedNotification
  | ToolListChangedNotification
  | PromptListChangedNotification
