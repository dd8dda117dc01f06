/** Arguments of the three register calls: configurations and handlers. */
import type { AuthInfo } from '../../protocol/auth-info.ts'
import type { Revision } from '../../protocol/revisions.ts'
import type {
  CacheScope,
  CallToolResult,
  ContentBlock,
  GetPromptResult,
  Prompt,
  ReadResourceResult,
  Resource,
  Tool,
} from '../../protocol/types.ts'
import type { VariablesOf } from '../../protocol/uri-template.ts'
import type { ClientView } from '../context/client-channel.ts'
import type { Context } from '../context/context.ts'
import type { InputOf, OutputOf, Schema } from '../schema/schema.ts'
import type { Completer } from './completable.ts'
import type { TaskOptions } from './task-policy.ts'

type Awaitable<T> = T | Promise<T>

/** How long and by whom a result may be kept (2026-07-28). */
export interface CacheHint {
  /** In ms. */
  ttlMs?: number | undefined
  cacheScope?: CacheScope | undefined
}

/** The caller of a request, as `visible` gets it. */
export interface Caller {
  /** Undefined where the endpoint has no authorization. */
  auth: AuthInfo | undefined
  revision: Revision
  /** The client's own description, which proves nothing. Undefined in the stateless revision. */
  client: ClientView | undefined
}

/** The options of tools, resources and prompts that are no members of their definitions. */
interface CommonConfig {
  /** OAuth scopes that a caller needs. The entry is neither listed nor served to a caller that lacks one of them. */
  requiredScopes?: readonly string[] | undefined
  /**
   * Whether the entry exists for a caller. For other callers it is in no list, and a request that names it has the answer for a
   * name that does not exist. It is called several times for each request, so it has to be fast. It must return `true` or
   * `false`: where it throws, or returns a promise or another value, the entry is hidden, and the fault is reported once.
   *
   * @example
   * visible: ({ auth }) => auth?.claims.plan === 'team'
   */
  visible?: ((caller: Caller) => boolean) | undefined
}

/** Limits of the calls of a tool. */
export interface ToolLimits {
  /**
   * How long a call may take, in ms, without the time in which it waits for its client (`ctx.elicit` and the like). Beyond it
   * the call ends with a result that has `isError` and names the limit; `ctx.signal` is aborted, and what the handler returns
   * later is dropped. 0: no limit. Default: that of the server.
   */
  timeout?: number | undefined
  /**
   * The most bytes of a result, as JSON in UTF-8. In place of a larger result the client gets one that has `isError` and names
   * size and limit. 0: no limit. Default: that of the server.
   */
  maxResultBytes?: number | undefined
}

export interface ToolConfig<In extends Schema | undefined, Out extends Schema | undefined>
  extends CommonConfig,
    ToolLimits,
    Omit<Tool, 'name' | 'inputSchema' | 'outputSchema'> {
  inputSchema?: In
  /**
   * Calls of the tool may (`optional`), or must (`required`), be tasks: the client gets a name at once, asks for the result
   * later, of any instance, and answers there what the handler asks. The handler is run again from its begin with each answer, so
   * that what has an effect belongs in `ctx.once`. Default: no tasks.
   */
  task?: TaskOptions['support'] | TaskOptions | undefined
  /** Results then carry `structuredContent`, which is checked. */
  outputSchema?: Out
  /**
   * Everything in the handler that has an effect is in `ctx.once`. Then any instance may run the handler again from what
   * `ctx.once` and the answers of the client have kept: after a crash, after a shutdown, and while the client is asked.
   */
  durable?: boolean | undefined
  /**
   * Of the handler of a durable tool, where its source does not say when its steps change, such as code that it calls. Default: a
   * digest of its source.
   */
  version?: string | undefined
}

/**
 * The result of a tool: without `content` the JSON text of `structuredContent` becomes its content, and one of the two must
 * be there. (As a union of the two the compiler would not say what is wrong with the content.)
 */
export type ToolResult<Structured = unknown> = Omit<CallToolResult, 'content' | 'structuredContent'> & {
  content?: ContentBlock[] | undefined
  structuredContent?: Structured | undefined
}

type ResultOf<Out> = ToolResult<[Out] extends [Schema] ? InputOf<Out> : unknown>

export type ToolHandler<In extends Schema | undefined, Out extends Schema | undefined> = [In] extends [Schema]
  ? (args: OutputOf<In>, ctx: Context) => Awaitable<ResultOf<Out>>
  : (ctx: Context) => Awaitable<ResultOf<Out>>

export interface ResourceConfig extends CommonConfig, Omit<Resource, 'name' | 'uri'> {
  cacheHint?: CacheHint | undefined
}

export type ResourceHandler = (uri: URL, ctx: Context) => Awaitable<ReadResourceResult>
/** `T`: the text of the template, which names the variables. */
export type ResourceTemplateHandler<T extends string = string> = (
  uri: URL,
  variables: VariablesOf<T>,
  ctx: Context,
) => Awaitable<ReadResourceResult>
export type ListResourcesCallback = (ctx: Context) => Awaitable<{ resources: Resource[] }>

export interface PromptConfig<Args extends Schema | undefined>
  extends CommonConfig,
    Omit<Prompt, 'name' | 'arguments'> {
  /** Arguments of a prompt are strings on the wire; `z.coerce` makes other types of them. */
  argsSchema?: Args
  /** Completions by argument. */
  complete?: { readonly [K in keyof OutputOf<Args>]?: Completer } | undefined
}

export type PromptHandler<Args extends Schema | undefined> = [Args] extends [Schema]
  ? (args: OutputOf<Args>, ctx: Context) => Awaitable<GetPromptResult>
  : (ctx: Context) => Awaitable<GetPromptResult>

// The same under the names of the official SDK.

export type ToolCallback<In extends Schema | undefined = undefined> = ToolHandler<In, undefined>
export type PromptCallback<Args extends Schema | undefined = undefined> = PromptHandler<Args>
export type ReadResourceCallback = ResourceHandler
export type ReadResourceTemplateCallback = ResourceTemplateHandler
export type ResourceMetadata = Omit<Resource, 'name' | 'uri'>
