import type { Implementation, ServerCapabilities } from '../protocol/types.ts'
import { normalUri } from '../protocol/uri.ts'
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
import { promptEntry, resourceEntry, templateEntry, toolEntry, warningsOf } from './registry/entries.ts'
import { type Middleware, requireMiddleware } from './registry/middleware.ts'
import { type CacheHints, Registry, requireHint } from './registry/registry.ts'
import { ResourceTemplate } from './registry/resource-template.ts'
import type { Schema } from './schema/schema.ts'

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
  /** Capabilities that the protocol leaves to servers. `extensions` are announced from 2026-07-28 on. */
  capabilities?: Pick<ServerCapabilities, 'experimental' | 'extensions'> | undefined
}

/**
 * A server: tools, resources and prompts. It is built once per process, before the first request, and holds no state
 * of any client. The register calls are those of the official SDK.
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
  /** What an operator should know of the server; the entries print it at the start. */
  readonly warnings: string[] = []

  constructor(info: Implementation, options: McpServerOptions = {}) {
    this.info = info
    this.instructions = options.instructions
    this.capabilities = options.capabilities ?? {}
    this.registry = new Registry(options.pageSize, options.cacheHints ?? {}, options)
  }

  /**
   * Adds a middleware, which runs around `tools/call`, `prompts/get`, `resources/read`, `completion/complete` and the lists: the
   * first one that was added is the outermost. It acts on the requests that come after it was added.
   *
   * @throws TypeError for a middleware that is not a function
   *
   * @example
   * server.use(async ({ method, params, ctx }, next) => {
   *   if (method === 'tools/call' && params.name === 'purge' && !(await isOpen())) throw new ProtocolError(-32000, 'Closed.')
   *   return next()
   * })
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
   * @throws TypeError for a name that is taken or not allowed, and for a schema that cannot be used
   */
  registerTool<In extends Schema | undefined = undefined, Out extends Schema | undefined = undefined>(
    name: string,
    config: ToolConfig<In, Out>,
    handler: ToolHandler<In, Out>,
  ): void {
    const entry = toolEntry(name, config, handler, this.registry.limits)
    this.registry.add(this.registry.tools, name, entry, `A tool "${name}"`)
    this.warnings.push(...warningsOf(entry))
  }

  /**
   * Adds a resource at a fixed URI, or a family of resources with a template.
   *
   * @throws TypeError for a name, URI or template that is taken or not valid
   */
  registerResource(name: string, uri: string, config: ResourceConfig, handler: ResourceHandler): void
  registerResource(
    name: string,
    template: ResourceTemplate,
    config: ResourceConfig,
    handler: ResourceTemplateHandler,
  ): void
  registerResource(
    name: string,
    place: string | ResourceTemplate,
    config: ResourceConfig,
    handler: ResourceHandler | ResourceTemplateHandler,
  ): void {
    const { resources, templates } = this.registry
    requireHint(config.cacheHint, name)
    if (place instanceof ResourceTemplate) {
      const entry = templateEntry(name, place, config, handler as ResourceTemplateHandler)
      const { uriTemplate } = entry.definition
      requireNewName(templates, name, 'resource template')
      this.registry.add(templates, place.uriTemplate.normal, entry, `A template "${uriTemplate}"`)
      return
    }
    const entry = resourceEntry(name, place, config, handler as ResourceHandler)
    requireNewName(resources, name, 'resource')
    this.registry.add(resources, normalUri(place), entry, `A resource at "${place}"`)
  }

  /**
   * Adds a prompt. With an `argsSchema` the handler gets the parsed arguments and the context, without one the context.
   *
   * @throws TypeError for a name that is taken, and for a schema that cannot be used
   */
  registerPrompt<Args extends Schema | undefined = undefined>(
    name: string,
    config: PromptConfig<Args>,
    handler: PromptHandler<Args>,
  ): void {
    this.registry.add(this.registry.prompts, name, promptEntry(name, config, handler), `A prompt "${name}"`)
  }
}

function requireNewName(
  entries: ReadonlyMap<string, { definition: { name: string } }>,
  name: string,
  kind: string,
): void {
  for (const { definition } of entries.values()) {
    if (definition.name === name) throw new TypeError(`A ${kind} named "${name}" is already registered.`)
  }
}
