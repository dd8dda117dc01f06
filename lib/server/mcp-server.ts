import { downgradeCapabilities, downgradeImplementation } from '../protocol/downgrade.ts'
import type { RawJson } from '../protocol/jsonrpc.ts'
import type { Revision } from '../protocol/revisions.ts'
import type { CacheScope, Implementation, ServerCapabilities } from '../protocol/types.ts'
import type {
  CacheHint,
  PromptConfig,
  PromptHandler,
  ResourceConfig,
  ResourceHandler,
  ResourceTemplateHandler,
  ToolConfig,
  ToolHandler,
} from './registry/config.ts'
import {
  promptEntry,
  type RegisteredPrompt,
  type RegisteredResource,
  type RegisteredTemplate,
  type RegisteredTool,
  resourceEntry,
  templateEntry,
  toolEntry,
} from './registry/entries.ts'
import { ResourceTemplate } from './registry/resource-template.ts'
import type { Schema } from './schema/schema.ts'

/** The methods whose results the stateless revision lets clients keep. */
export type CacheableMethod =
  | 'tools/list'
  | 'prompts/list'
  | 'resources/list'
  | 'resources/templates/list'
  | 'resources/read'
  | 'server/discover'

/** What the place where a server runs can deliver of what it has. */
export interface Offer {
  listChanged: boolean
  subscribe: boolean
  /** Log messages during a call. Default true. */
  logging?: boolean | undefined
}

export interface McpServerOptions {
  /** What a model should know about the server as a whole. */
  instructions?: string | undefined
  /** How many items a page of a list has. Default 100. */
  pageSize?: number | undefined
  /** How long clients may keep results; default a minute, `private`, and for `resources/read` not at all. */
  cacheHints?: Partial<Record<CacheableMethod, CacheHint>> | undefined
}

/**
 * What is served: tools, resources and prompts. It is built once per process, before the first request, and holds
 * nothing of any client. The register calls are those of the official SDK.
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
  readonly pageSize: number
  /** By name, in the order in which they were registered, which is the order of the list. */
  readonly tools: ReadonlyMap<string, RegisteredTool>
  /** By URI. */
  readonly resources: ReadonlyMap<string, RegisteredResource>
  /** By the text of the template. A URI belongs to the first that matches. */
  readonly templates: ReadonlyMap<string, RegisteredTemplate>
  /** By name. */
  readonly prompts: ReadonlyMap<string, RegisteredPrompt>
  /** Every scope that something here needs. */
  readonly scopes: ReadonlySet<string>
  /** Pages of lists that are ready to be sent; kept by lists.ts. */
  readonly pages = new Map<string, RawJson>()
  /** JSON of name and version: what every result of the stateless revision carries. */
  readonly identity: string

  readonly #tools = new Map<string, RegisteredTool>()
  readonly #resources = new Map<string, RegisteredResource>()
  readonly #templates = new Map<string, RegisteredTemplate>()
  readonly #prompts = new Map<string, RegisteredPrompt>()
  readonly #scopes = new Set<string>()
  #completions = false
  readonly #cacheHints: Partial<Record<CacheableMethod, CacheHint>>

  constructor(info: Implementation, options: McpServerOptions = {}) {
    const { pageSize = 100, cacheHints = {} } = options
    if (!Number.isSafeInteger(pageSize) || pageSize < 1) throw new RangeError('pageSize must be 1 or more.')
    for (const [method, hint] of Object.entries(cacheHints)) requireHint(hint, method)
    this.info = info
    this.instructions = options.instructions
    this.pageSize = pageSize
    this.identity = JSON.stringify({ name: info.name, version: info.version })
    this.tools = this.#tools
    this.resources = this.#resources
    this.templates = this.#templates
    this.prompts = this.#prompts
    this.scopes = this.#scopes
    this.#cacheHints = cacheHints
  }

  /**
   * Adds a tool. With an `inputSchema` the handler gets the parsed arguments and the context, without one the context.
   *
   * An `Error` that the handler throws is told to the model as the tool's result; a `ProtocolError` is the JSON-RPC
   * error of the request.
   *
   * @throws TypeError for a name that is taken or not allowed, and for a schema that cannot be used
   */
  registerTool<In extends Schema | undefined = undefined, Out extends Schema | undefined = undefined>(
    name: string,
    config: ToolConfig<In, Out>,
    handler: ToolHandler<In, Out>,
  ): void {
    this.#add(this.#tools, name, toolEntry(name, config, handler), `A tool "${name}"`)
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
    requireHint(config.cacheHint, name)
    if (place instanceof ResourceTemplate) {
      const entry = templateEntry(name, place, config, handler as ResourceTemplateHandler)
      requireNewName(this.#templates, name, 'resource template')
      if (place.complete.size > 0) this.#completions = true
      this.#add(this.#templates, entry.definition.uriTemplate, entry, `A template "${entry.definition.uriTemplate}"`)
      return
    }
    const entry = resourceEntry(name, place, config, handler as ResourceHandler)
    requireNewName(this.#resources, name, 'resource')
    this.#add(this.#resources, place, entry, `A resource at "${place}"`)
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
    const entry = promptEntry(name, config, handler)
    if (entry.complete.size > 0) this.#completions = true
    this.#add(this.#prompts, name, entry, `A prompt "${name}"`)
  }

  /**
   * What the server can do, as the revision says it.
   *
   * @param offer what the endpoint can deliver: notices of changed lists, and of resources subscribed to
   */
  capabilities(revision: Revision, offer: Offer): ServerCapabilities {
    const listChanged = offer.listChanged ? { listChanged: true } : {}
    const capabilities: ServerCapabilities = offer.logging === false ? {} : { logging: {} }
    if (this.hasTools) capabilities.tools = listChanged
    if (this.hasPrompts) capabilities.prompts = listChanged
    if (this.hasResources) capabilities.resources = { ...listChanged, ...(offer.subscribe ? { subscribe: true } : {}) }
    if (this.hasCompletions) capabilities.completions = {}
    return downgradeCapabilities(capabilities, revision)
  }

  /** Who the server is, as the revision says it. */
  implementation(revision: Revision): Implementation {
    return downgradeImplementation(this.info, revision)
  }

  /** What the author says about keeping the results of a method, with what holds where nothing is said. */
  cacheHint(method: CacheableMethod, own?: CacheHint): { ttlMs: number; cacheScope: CacheScope } {
    const general = this.#cacheHints[method]
    return {
      ttlMs: own?.ttlMs ?? general?.ttlMs ?? (method === 'resources/read' ? 0 : 60_000),
      cacheScope: own?.cacheScope ?? general?.cacheScope ?? 'private',
    }
  }

  get hasTools(): boolean {
    return this.#tools.size > 0
  }

  get hasPrompts(): boolean {
    return this.#prompts.size > 0
  }

  get hasResources(): boolean {
    return this.#resources.size > 0 || this.#templates.size > 0
  }

  get hasCompletions(): boolean {
    return this.#completions
  }

  #add<T extends { requiredScopes: readonly string[] }>(
    registry: Map<string, T>,
    key: string,
    entry: T,
    what: string,
  ): void {
    if (registry.has(key)) throw new TypeError(`${what} is already registered.`)
    registry.set(key, entry)
    for (const scope of entry.requiredScopes) this.#scopes.add(scope)
    this.pages.clear()
  }
}

function requireNewName(
  registry: ReadonlyMap<string, { definition: { name: string } }>,
  name: string,
  kind: string,
): void {
  for (const { definition } of registry.values()) {
    if (definition.name === name) throw new TypeError(`A ${kind} named "${name}" is already registered.`)
  }
}

function requireHint(hint: CacheHint | undefined, what: string): void {
  const ttlMs = hint?.ttlMs
  if (ttlMs !== undefined && !(Number.isSafeInteger(ttlMs) && ttlMs >= 0)) {
    throw new RangeError(`The ttlMs of "${what}" must be 0 or more, in whole milliseconds.`)
  }
}
