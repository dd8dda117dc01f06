import type { JsonObject } from '../protocol/jsonrpc.ts'
import type { Implementation, ServerCapabilities, ToolAnnotations } from '../protocol/types.ts'
import { type LackingMembers, type LowLevelServer, lowLevelServer, refuseMember } from './low-level.ts'
import type {
  PromptConfig,
  PromptHandler,
  ResourceConfig,
  ResourceHandler,
  ResourceTemplateHandler,
  ToolConfig,
  ToolHandler,
  ToolLimits,
} from './registry/config.ts'
import {
  type HandleAt,
  type HandlerAt,
  PROMPT_MEMBERS,
  type PromptHandle,
  RESOURCE_MEMBERS,
  register,
  TEMPLATE_MEMBERS,
  TOOL_MEMBERS,
  type ToolHandle,
} from './registry/handles.ts'
import { type Middleware, requireMiddleware } from './registry/middleware.ts'
import {
  type Fields,
  type Positional,
  type PositionalHandler,
  promptArguments,
  resourceArguments,
  type SchemaOf,
  toolArguments,
} from './registry/positional.ts'
import { type CacheHints, Registry } from './registry/registry.ts'
import type { ResourceTemplate } from './registry/resource-template.ts'
import { isTemplate, promptRegistrar, resourceRegistrar, templateRegistrar, toolRegistrar } from './registry/slots.ts'
import type { Schema, ToJsonSchema } from './schema/schema.ts'

/** `timeout` and `maxResultBytes` are those of tools that have none of their own. Default: none. */
export interface McpServerOptions extends ToolLimits {
  /** Text for a model about the server as a whole. */
  instructions?: string | undefined
  /**
   * The number of items on a page of a list. Default: all items, in one page up to 512 KB of JSON, because several clients
   * read the first page only.
   */
  pageSize?: number | undefined
  /** How long clients may keep results; default a minute, `private`, and for `resources/read` not at all. */
  cacheHints?: CacheHints | undefined
  /**
   * What the server declares. `experimental` and `extensions` are announced as they are, the latter from 2026-07-28 on. With
   * `tools`, `prompts`, `resources` or `completions` the server has these methods also while nothing is registered. All else
   * has no effect: the endpoint announces what it can deliver (list changes, subscriptions, log messages).
   */
  capabilities?: (ServerCapabilities & { tasks?: JsonObject | undefined }) | undefined
  /**
   * The most elements of arrays and members of objects that the arguments of a tool call may have together. Default: no
   * bound but that of a request's bytes.
   */
  maxToolInputElements?: number | undefined
  /** Writes schemas of libraries that cannot do it themselves, where nothing can be loaded from `node_modules`. */
  toJsonSchema?: ToJsonSchema | undefined
  /** @deprecated It has no effect: a handler asks with `ctx`, which checks the capabilities of the client always. */
  enforceStrictCapabilities?: boolean | undefined
  /** @deprecated It has no effect: list changes of one turn of the event loop are announced once. */
  debouncedNotificationMethods?: string[] | undefined
  /** @deprecated It has no effect: answers of a user are checked by the endpoint. */
  jsonSchemaValidator?: unknown
}

/**
 * A server: tools, resources and prompts. It is built once per process, before the first request, and holds no state
 * of any client. The register calls are those of the official SDK, and return its handles.
 *
 * A handle may be used while the module loads, to decide what this server has. A call of a handle later changes the lists
 * of this process only, which clients of other instances do not see: use `visible` for what differs by caller.
 *
 * @example
 * const server = new McpServer({ name: 'greeter', version: '1.0.0' })
 * server.registerTool('greet', { inputSchema: z.object({ name: z.string() }) }, ({ name }) => ({
 *   content: [{ type: 'text', text: `Hello, ${name}!` }],
 * }))
 */
export class McpServer {
  readonly info: Implementation
  readonly instructions: string | undefined
  readonly capabilities: ServerCapabilities
  /** The entries of the register calls; `dispatcherOf` serves them. */
  readonly registry: Registry

  /** @throws RangeError for an option that is out of its bounds */
  constructor(info: Implementation, options: McpServerOptions = {}) {
    this.info = info
    this.instructions = options.instructions
    this.capabilities = options.capabilities ?? {}
    this.registry = new Registry(options)
  }

  /** What an operator should know of the server; the entries print it at the start. */
  get warnings(): readonly string[] {
    return this.registry.warnings
  }

  /**
   * Adds a middleware around calls and lists. The first that was added is the outermost; each acts on the requests after that.
   *
   * @throws TypeError for a middleware that is not a function
   *
   * @example server.use(({ params }, next) => next({ ...params, arguments: repaired(params.arguments) }))
   */
  use(middleware: Middleware): this {
    requireMiddleware(middleware)
    this.registry.use(middleware)
    return this
  }

  /**
   * Adds a tool. With an `inputSchema` the handler gets the parsed arguments and the context, without one the context.
   *
   * An `Error` that the handler throws becomes the tool's result, with `isError` and the message, which a model can
   * read; a `ProtocolError` becomes the JSON-RPC error of the request.
   *
   * @throws TypeError for a name that is taken or not allowed. A schema that cannot be used is an error of `createEndpoint`.
   */
  registerTool<In extends Schema | undefined = undefined, Out extends Schema | undefined = undefined>(
    name: string,
    config: ToolConfig<In, Out>,
    handler: ToolHandler<In, Out>,
  ): ToolHandle<In> {
    return register(toolRegistrar(this.registry), { name, config, handler, enabled: true }, TOOL_MEMBERS)
  }

  /**
   * Adds a resource at a fixed URI, or a family of resources with a template.
   *
   * @throws TypeError for a URI or template that is taken or not valid, and for an empty name
   */
  registerResource<P extends string | ResourceTemplate>(
    name: string,
    place: P,
    config: ResourceConfig,
    handler: HandlerAt<P>,
  ): HandleAt<P> {
    return this.#resource(name, place, config, handler) as HandleAt<P>
  }

  /**
   * Adds a prompt. With an `argsSchema` the handler gets the parsed arguments and the context, without one the context.
   *
   * @throws TypeError for a name that is taken. A schema that cannot be used is an error of `createEndpoint`.
   */
  registerPrompt<Args extends Schema | undefined = undefined>(
    name: string,
    config: PromptConfig<Args>,
    handler: PromptHandler<Args>,
  ): PromptHandle<Args> {
    return register(promptRegistrar(this.registry), { name, config, handler, enabled: true }, PROMPT_MEMBERS)
  }

  /** @deprecated use `registerTool` */
  tool(name: string, handler: ToolHandler<undefined, undefined>): ToolHandle<undefined>
  /** @deprecated use `registerTool` */
  tool(name: string, description: string, handler: ToolHandler<undefined, undefined>): ToolHandle<undefined>
  /** @deprecated use `registerTool` */
  tool<In extends Positional>(name: string, given: In, handler: PositionalHandler<In>): ToolHandle<SchemaOf<In>>
  /** @deprecated use `registerTool` */
  tool<In extends Positional>(
    name: string,
    description: string,
    schemaOrAnnotations: In,
    handler: PositionalHandler<In>,
  ): ToolHandle<SchemaOf<In>>
  /** @deprecated use `registerTool` */
  tool<In extends Fields>(
    name: string,
    schema: In,
    annotations: ToolAnnotations,
    handler: ToolHandler<In, undefined>,
  ): ToolHandle<In>
  /** @deprecated use `registerTool` */
  tool<In extends Fields>(
    name: string,
    description: string,
    schema: In,
    annotations: ToolAnnotations,
    handler: ToolHandler<In, undefined>,
  ): ToolHandle<In>
  tool(name: string, ...given: unknown[]): unknown {
    const { handler, schema, ...config } = toolArguments(name, given)
    const registered = { name, config: { ...config, inputSchema: schema }, handler, enabled: true }
    return register(toolRegistrar(this.registry), registered, TOOL_MEMBERS)
  }

  /** @deprecated use `registerPrompt` */
  prompt(name: string, handler: PromptHandler<undefined>): PromptHandle<undefined>
  /** @deprecated use `registerPrompt` */
  prompt(name: string, description: string, handler: PromptHandler<undefined>): PromptHandle<undefined>
  /** @deprecated use `registerPrompt` */
  prompt<Args extends Fields>(name: string, schema: Args, handler: PromptHandler<Args>): PromptHandle<Args>
  /** @deprecated use `registerPrompt` */
  prompt<Args extends Fields>(
    name: string,
    description: string,
    schema: Args,
    handler: PromptHandler<Args>,
  ): PromptHandle<Args>
  prompt(name: string, ...given: unknown[]): unknown {
    const { handler, schema, ...config } = promptArguments(name, given)
    const registered = { name, config: { ...config, argsSchema: schema }, handler, enabled: true }
    return register(promptRegistrar(this.registry), registered, PROMPT_MEMBERS)
  }

  /** @deprecated use `registerResource` */
  resource<P extends string | ResourceTemplate>(name: string, place: P, handler: HandlerAt<P>): HandleAt<P>
  /** @deprecated use `registerResource` */
  resource<P extends string | ResourceTemplate>(
    name: string,
    place: P,
    metadata: ResourceConfig,
    handler: HandlerAt<P>,
  ): HandleAt<P>
  resource(name: string, place: string | ResourceTemplate, ...given: unknown[]): unknown {
    const { config, handler } = resourceArguments(name, given)
    return this.#resource(name, place, config, handler)
  }

  #resource(name: string, place: string | ResourceTemplate, config: ResourceConfig, handler: unknown): unknown {
    const given = { name, config, enabled: true }
    if (isTemplate(place)) {
      const ofTemplate = { ...given, place, handler: handler as ResourceTemplateHandler }
      return register(templateRegistrar(this.registry), ofTemplate, TEMPLATE_MEMBERS)
    }
    if (typeof place !== 'string') {
      throw new TypeError(`Resource "${name}": a URI or a ResourceTemplate of mcp-anywhere is expected after the name.`)
    }
    const ofUri = { ...given, place, handler: handler as ResourceHandler }
    return register(resourceRegistrar(this.registry), ofUri, RESOURCE_MEMBERS)
  }

  /** Announces to the clients of every instance that they should read the list of tools again. */
  sendToolListChanged(): void {
    this.registry.announce({ kind: 'tools' })
  }

  /** As {@link sendToolListChanged}, for prompts. */
  sendPromptListChanged(): void {
    this.registry.announce({ kind: 'prompts' })
  }

  /** As {@link sendToolListChanged}, for resources and their templates. */
  sendResourceListChanged(): void {
    this.registry.announce({ kind: 'resources' })
  }

  /** True once an endpoint serves this server. */
  isConnected(): boolean {
    return this.registry.isServed
  }

  /**
   * The low-level server of the official SDK. Here it announces changes; every other member is an error that names what to
   * use instead.
   *
   * @deprecated use the context of a handler, or `notify` of the endpoint
   */
  get server(): LowLevelServer {
    this.#server ??= lowLevelServer(this.registry)
    return this.#server
  }
  #server: LowLevelServer | undefined

  /** @deprecated `createEndpoint(server)` serves every client, and `serveStdio(server)` a local host */
  connect(_instead: LackingMembers['connect']): never {
    return refuseMember('connect')
  }

  /** @deprecated `endpoint.close()` shuts down */
  close(_instead: LackingMembers['close']): never {
    return refuseMember('close')
  }

  /** @deprecated use `ctx.log(level, data)` in a handler */
  sendLoggingMessage(_instead: LackingMembers['sendLoggingMessage'], ..._more: unknown[]): never {
    return refuseMember('sendLoggingMessage')
  }

  /** @deprecated register tools, resources and prompts */
  setRequestHandler(_instead: LackingMembers['setRequestHandler'], ..._more: unknown[]): never {
    return refuseMember('setRequestHandler')
  }

  /** @deprecated there are no tasks yet */
  get experimental(): { readonly tasks: LackingMembers['experimental.tasks'] } {
    return refuseMember('experimental.tasks')
  }
}
