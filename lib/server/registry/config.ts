/** What an author gives to the three register calls: configurations and handlers. */
import type { JsonObject } from '../../protocol/jsonrpc.ts'
import type {
  Annotations,
  CacheScope,
  CallToolResult,
  ContentBlock,
  GetPromptResult,
  Icon,
  ReadResourceResult,
  Resource,
  ToolAnnotations,
} from '../../protocol/types.ts'
import type { Variables } from '../../protocol/uri-template.ts'
import type { Context } from '../context/context.ts'
import type { InputOf, OutputOf, Schema } from '../schema/schema.ts'
import type { Completer } from './completable.ts'

type Awaitable<T> = T | Promise<T>

/** How long and by whom a result may be kept (stateless revision, C-1). */
export interface CacheHint {
  /** In ms. */
  ttlMs?: number | undefined
  cacheScope?: CacheScope | undefined
}

/** What tools, resources and prompts have in common. */
export interface CommonConfig {
  title?: string | undefined
  description?: string | undefined
  icons?: Icon[] | undefined
  _meta?: JsonObject | undefined
  /** OAuth scopes a caller needs: without them it neither sees nor uses this. */
  requiredScopes?: readonly string[] | undefined
}

export interface ToolConfig<In extends Schema | undefined, Out extends Schema | undefined> extends CommonConfig {
  inputSchema?: In
  /** Results then carry `structuredContent`, which is checked. */
  outputSchema?: Out
  annotations?: ToolAnnotations | undefined
}

/** `content` may be left out where there is `structuredContent`: it is then its JSON text. */
export type ToolResult<Structured = unknown> = Omit<CallToolResult, 'content' | 'structuredContent'> &
  (
    | { content: ContentBlock[]; structuredContent?: Structured | undefined }
    | { content?: ContentBlock[] | undefined; structuredContent: Structured }
  )

type StructuredOf<Out> = [Out] extends [Schema] ? InputOf<Out> : unknown

export type ToolHandler<In extends Schema | undefined, Out extends Schema | undefined> = [In] extends [Schema]
  ? (args: OutputOf<In>, ctx: Context) => Awaitable<ToolResult<StructuredOf<Out>>>
  : (ctx: Context) => Awaitable<ToolResult<StructuredOf<Out>>>

export interface ResourceConfig extends CommonConfig {
  mimeType?: string | undefined
  /** In bytes. */
  size?: number | undefined
  annotations?: Annotations | undefined
  cacheHint?: CacheHint | undefined
}

export type ResourceHandler = (uri: URL, ctx: Context) => Awaitable<ReadResourceResult>
export type ResourceTemplateHandler = (uri: URL, variables: Variables, ctx: Context) => Awaitable<ReadResourceResult>
export type ListResourcesCallback = (ctx: Context) => Awaitable<{ resources: Resource[] }>

export interface PromptConfig<Args extends Schema | undefined> extends CommonConfig {
  /** Arguments of a prompt are strings on the wire; `z.coerce` turns them into other things. */
  argsSchema?: Args
  /** Completions by argument. */
  complete?: { readonly [K in keyof OutputOf<Args>]?: Completer } | undefined
}

export type PromptHandler<Args extends Schema | undefined> = [Args] extends [Schema]
  ? (args: OutputOf<Args>, ctx: Context) => Awaitable<GetPromptResult>
  : (ctx: Context) => Awaitable<GetPromptResult>
