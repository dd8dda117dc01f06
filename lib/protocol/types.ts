/**
 * The data types of MCP under the names of the published schema: for authors and for the wire.
 *
 * They describe the newest revision; lib/protocol/downgrade.ts takes away what an older one lacks. Members are
 * type aliases, not interfaces, so that they can be used where any JSON object is expected, and optional members may
 * be given as `undefined`, which JSON leaves out.
 */
import { isObject, type JsonObject } from './jsonrpc.ts'

export type Role = 'user' | 'assistant'
export type ProgressToken = string | number

/** A JSON Schema object of draft-07, 2019-09 or (without `$schema`) 2020-12. */
export type JsonSchema = JsonObject

export type Icon = {
  src: string
  mimeType?: string | undefined
  /** `48x48`, or `any` for scalable images. */
  sizes?: string[] | undefined
  theme?: 'light' | 'dark' | undefined
}

export type Annotations = {
  audience?: Role[] | undefined
  /** From 0 (optional) to 1 (required). */
  priority?: number | undefined
  /** ISO 8601. */
  lastModified?: string | undefined
}

/** A name for programs, and a title and icons for people. */
type Named = { name: string; title?: string | undefined; icons?: Icon[] | undefined }

type Described = { description?: string | undefined }
type WithMeta = { _meta?: JsonObject | undefined }

export type Implementation = Named & Described & { version: string; websiteUrl?: string | undefined }

/** Reads a client's info. A name or version that is missing, or is no text, becomes empty. Undefined: it is no object. */
export function readImplementation(value: unknown): Implementation | undefined {
  if (!isObject(value)) return undefined
  const { name, version } = value
  if (typeof name === 'string' && typeof version === 'string') return value as Implementation
  return { ...value, name: typeof name === 'string' ? name : '', version: typeof version === 'string' ? version : '' }
}

// Content

type Annotated = WithMeta & { annotations?: Annotations | undefined }

export type TextContent = Annotated & { type: 'text'; text: string }
/** `data` is base64. */
export type ImageContent = Annotated & { type: 'image'; data: string; mimeType: string }
/** `data` is base64. */
export type AudioContent = Annotated & { type: 'audio'; data: string; mimeType: string }
export type EmbeddedResource = Annotated & { type: 'resource'; resource: ResourceContents }
export type ResourceLink = Resource & { type: 'resource_link' }
export type ContentBlock = TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource

// Tools

export type ToolAnnotations = {
  title?: string | undefined
  readOnlyHint?: boolean | undefined
  destructiveHint?: boolean | undefined
  idempotentHint?: boolean | undefined
  openWorldHint?: boolean | undefined
}

export type Tool = Named &
  WithMeta & {
    description?: string | undefined
    /** The root is `type: "object"`. */
    inputSchema: JsonSchema
    outputSchema?: JsonSchema | undefined
    annotations?: ToolAnnotations | undefined
    /** Whether calls may be tasks: 2025-11-25 only. */
    execution?: { taskSupport?: 'optional' | 'required' | 'forbidden' | undefined } | undefined
  }

export type CallToolResult = WithMeta & {
  content: ContentBlock[]
  /** An object up to 2025-11-25, any JSON value in 2026-07-28. */
  // biome-ignore lint/suspicious/noExplicitAny: a handler may name this type whatever the outputSchema of its tool
  structuredContent?: any
  isError?: boolean | undefined
}

// Resources

export type Resource = Named &
  Annotated & {
    uri: string
    description?: string | undefined
    mimeType?: string | undefined
    /** In bytes, before base64. */
    size?: number | undefined
  }

/** The entry of a list. Authors register the class of the same name in lib/server. */
export type ResourceTemplate = Named &
  Annotated & {
    /** RFC 6570. */
    uriTemplate: string
    description?: string | undefined
    mimeType?: string | undefined
  }

type ContentsOf = WithMeta & { uri: string; mimeType?: string | undefined }
export type TextResourceContents = ContentsOf & { text: string }
/** `blob` is base64. */
export type BlobResourceContents = ContentsOf & { blob: string }
export type ResourceContents = TextResourceContents | BlobResourceContents

export type ReadResourceResult = WithMeta & { contents: ResourceContents[] }

// Prompts and completion

export type PromptArgument = Described & { name: string; title?: string | undefined; required?: boolean | undefined }

export type Prompt = Named & WithMeta & Described & { arguments?: PromptArgument[] | undefined }

export type PromptMessage = { role: Role; content: ContentBlock }

export type GetPromptResult = WithMeta & Described & { messages: PromptMessage[] }

export type CompleteResult = WithMeta & {
  completion: {
    /** At most 100. */
    values: string[]
    total?: number | undefined
    hasMore?: boolean | undefined
  }
}

// Capabilities

type Flag = JsonObject

export type ClientCapabilities = {
  experimental?: Record<string, JsonObject> | undefined
  roots?: { listChanged?: boolean | undefined } | undefined
  sampling?: { context?: Flag | undefined; tools?: Flag | undefined } | undefined
  /** `{}` means form only. */
  elicitation?: { form?: Flag | undefined; url?: Flag | undefined } | undefined
  tasks?: JsonObject | undefined
  extensions?: Record<string, JsonObject> | undefined
}

export type ServerCapabilities = {
  experimental?: Record<string, JsonObject> | undefined
  logging?: Flag | undefined
  completions?: Flag | undefined
  prompts?: { listChanged?: boolean | undefined } | undefined
  resources?: { subscribe?: boolean | undefined; listChanged?: boolean | undefined } | undefined
  tools?: { listChanged?: boolean | undefined } | undefined
  /** 2025-11-25 only. */
  tasks?: JsonObject | undefined
  extensions?: Record<string, JsonObject> | undefined
}

/** A cache may give the result to every client (`public`), or only to the client that got it (`private`). */
export type CacheScope = 'public' | 'private'

// Logging

/** From the least to the most severe, as RFC 5424 has them. */
export const LOGGING_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const
export type LoggingLevel = (typeof LOGGING_LEVELS)[number]

export function isLoggingLevel(value: unknown): value is LoggingLevel {
  return (LOGGING_LEVELS as readonly unknown[]).includes(value)
}

/** Less than 0 if `a` is less severe than `b`, 0 if equal, more than 0 if more severe. */
export function compareLevels(a: LoggingLevel, b: LoggingLevel): number {
  return LOGGING_LEVELS.indexOf(a) - LOGGING_LEVELS.indexOf(b)
}

// Requests from the server to the client

export type ToolUseContent = WithMeta & { type: 'tool_use'; id: string; name: string; input: JsonObject }
export type ToolResultContent = WithMeta & {
  type: 'tool_result'
  toolUseId: string
  content: ContentBlock[]
  structuredContent?: unknown
  isError?: boolean | undefined
}
export type SamplingMessageContentBlock = TextContent | ImageContent | AudioContent | ToolUseContent | ToolResultContent

/** `content` may be an array from 2025-11-25 on. */
export type SamplingMessage = WithMeta & {
  role: Role
  content: SamplingMessageContentBlock | SamplingMessageContentBlock[]
}

export type ModelHint = { name?: string | undefined }
export type ModelPreferences = {
  hints?: ModelHint[] | undefined
  costPriority?: number | undefined
  speedPriority?: number | undefined
  intelligencePriority?: number | undefined
}

export type ToolChoice = { mode?: 'auto' | 'required' | 'none' | undefined }

export type CreateMessageRequestParams = WithMeta & {
  messages: SamplingMessage[]
  maxTokens: number
  systemPrompt?: string | undefined
  modelPreferences?: ModelPreferences | undefined
  includeContext?: 'none' | 'thisServer' | 'allServers' | undefined
  temperature?: number | undefined
  stopSequences?: string[] | undefined
  metadata?: JsonObject | undefined
  /** Needs the client capability `sampling.tools`. */
  tools?: Tool[] | undefined
  toolChoice?: ToolChoice | undefined
}

export type CreateMessageResult = SamplingMessage & { model: string; stopReason?: string | undefined }

export type ElicitContent = Record<string, string | number | boolean | string[]>

/** `requestedSchema` is an object of strings, numbers, booleans and choices. */
export type ElicitRequestFormParams = WithMeta & {
  mode?: 'form' | undefined
  message: string
  requestedSchema: JsonSchema
}
export type ElicitRequestURLParams = WithMeta & {
  mode: 'url'
  message: string
  url: string
  /** 2025-11-25 only. Default: a random one. */
  elicitationId?: string | undefined
}
export type ElicitRequestParams = ElicitRequestFormParams | ElicitRequestURLParams
export type ElicitResult = WithMeta & {
  action: 'accept' | 'decline' | 'cancel'
  /** There where a form was accepted. */
  content?: ElicitContent | undefined
}

export type Root = WithMeta & { uri: string; name?: string | undefined }
export type ListRootsResult = WithMeta & { roots: Root[] }
