/** The entries that the author of one server registered, and values derived from them. */
import type { CacheableMethod } from '../../protocol/methods.ts'
import type { CacheScope, ServerCapabilities } from '../../protocol/types.ts'
import { normalTemplate, normalUri } from '../../protocol/uri.ts'
import type { Variables } from '../../protocol/uri-template.ts'
import type { ToJsonSchema } from '../schema/schema.ts'
import type { Announcement, ListKind } from './announcement.ts'
import type { CacheHint, Caller, ToolLimits } from './config.ts'
import type { Registered, RegisteredPrompt, RegisteredResource, RegisteredTemplate, RegisteredTool } from './entries.ts'
import { requireElements } from './input-elements.ts'
import { requireLimits } from './limits.ts'
import { ListCache } from './list-cache.ts'
import type { Middleware } from './middleware.ts'
import { requestedUri } from './requested-uri.ts'
import { Section, type Slot } from './section.ts'
import { isVisible, warnOf } from './visibility.ts'

/** How long clients may keep a result, and with whom they may share it. */
export interface Cacheable {
  ttlMs: number
  cacheScope: CacheScope
}

export type CacheHints = Partial<Record<CacheableMethod, CacheHint>>

interface FoundResource {
  entry: RegisteredResource | RegisteredTemplate
  uri: URL
  variables: Variables
}

/** What a server has. Once it has had an entry of a kind, or was declared with it, it has the kind: its lists may be empty. */
type Offered = Record<ListKind | 'completions', boolean>

interface RegistryOptions extends ToolLimits {
  pageSize?: number | undefined
  cacheHints?: CacheHints | undefined
  capabilities?: ServerCapabilities | undefined
  maxToolInputElements?: number | undefined
  toJsonSchema?: ToJsonSchema | undefined
}

export class Registry {
  /** The registrations. {@link compile} makes the entries below of them. */
  readonly sections = {
    tools: new Section<RegisteredTool>(),
    resources: new Section<RegisteredResource>(),
    templates: new Section<RegisteredTemplate>(),
    prompts: new Section<RegisteredPrompt>(),
  }
  /** By name, in the order in which they were registered, which is the order of the list. Also those that are disabled. */
  readonly tools: ReadonlyMap<string, RegisteredTool> = this.sections.tools.entries
  /** By URI in its normal form. */
  readonly resources: ReadonlyMap<string, RegisteredResource> = this.sections.resources.entries
  /** By the normal form of the template. A URI belongs to the first that matches. */
  readonly templates: ReadonlyMap<string, RegisteredTemplate> = this.sections.templates.entries
  /** By name. */
  readonly prompts: ReadonlyMap<string, RegisteredPrompt> = this.sections.prompts.entries
  /** Every scope that an entry needs, or has needed: the streams of earlier calls need it still. */
  readonly scopes = new Set<string>()
  /** Lists that are ready to be sent; methods/lists.ts fills it. */
  readonly lists = new ListCache()
  /** What an operator should know of the entries. */
  readonly warnings: string[] = []
  readonly offered: Offered
  /** An entry has `visible`. Without one no request asks for it. */
  hides = false
  /** A tool has tasks. */
  tasks = false
  /** In the order in which they were added: the first is the outermost. */
  readonly middleware: Middleware[] = []
  /** Of tools that have none of their own. */
  readonly limits: ToolLimits
  /** Receives the faults of authors' functions that no call can report: each once. */
  report: (error: Error) => void = warnOf
  /** Counts the changes: what was derived from the entries holds for one version. */
  version = 0
  /** Items on a page of a list. Undefined: as many as fit into the bytes of a page. */
  readonly pageSize: number | undefined
  /** Elements and members that the arguments of a tool may have together. */
  readonly maxToolInputElements: number
  /** Writes schemas of libraries that cannot do it themselves. */
  readonly toJsonSchema: ToJsonSchema | undefined
  readonly #cacheHints: CacheHints
  readonly #listeners = new Set<(change: Announcement) => void>()
  #compiled = false

  constructor(options: RegistryOptions) {
    const { pageSize, cacheHints = {}, capabilities = {}, maxToolInputElements = Number.POSITIVE_INFINITY } = options
    if (pageSize !== undefined && !(Number.isSafeInteger(pageSize) && pageSize >= 1)) {
      throw new RangeError('pageSize must be 1 or more.')
    }
    for (const [method, hint] of Object.entries(cacheHints)) requireHint(hint, method)
    requireElements(maxToolInputElements)
    requireLimits(options, 'McpServer')
    this.limits = options
    this.pageSize = pageSize
    this.maxToolInputElements = maxToolInputElements
    this.toJsonSchema = options.toJsonSchema
    this.#cacheHints = cacheHints
    const { tools, prompts, resources, completions } = capabilities
    this.offered = { tools: !!tools, prompts: !!prompts, resources: !!resources, completions: !!completions }
  }

  /**
   * Adds an entry, or replaces the one of the key `former`.
   *
   * @throws TypeError for a key that is taken, and, once the server is served, for an entry that cannot be made
   */
  put<E extends Registered<unknown>>(kind: ListKind, section: Section<E>, slot: Slot<E>, former?: string): void {
    const { key, what } = slot
    if (key !== former && section.has(key)) throw new TypeError(`${what} is already registered.`)
    section.set(key, () => slot.make(), former)
    this.offered[kind] = true
    this.#changed(kind)
  }

  remove<E>(kind: ListKind, section: Section<E>, key: string): void {
    section.delete(key)
    this.#changed(kind)
  }

  /**
   * Makes the entries of what is registered; `dispatcherOf` calls it. From then on each registration and update makes its
   * entry at once.
   *
   * @throws TypeError for a schema or an option that cannot be used
   */
  compile(): void {
    if (this.#compiled) return
    for (const section of Object.values(this.sections)) section.compile()
    this.#compiled = true
    this.#derive()
  }

  /** An endpoint listens, until it calls the function that it gets, and announces what changes here. */
  onChange(listener: (change: Announcement) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** An endpoint serves the entries. */
  get isServed(): boolean {
    return this.#listeners.size > 0
  }

  /** Announces a change of what a list or a resource shows, which the author makes known. */
  announce(change: Announcement): void {
    for (const listener of this.#listeners) listener(change)
  }

  use(middleware: Middleware): void {
    this.middleware.push(middleware)
    // They may have been for every client.
    this.lists.clear()
  }

  /** Adds a warning for the operator, once. */
  warn(text: string): void {
    if (!this.warnings.includes(text)) this.warnings.push(text)
  }

  #changed(kind: ListKind): void {
    this.version++
    this.lists.clear()
    if (!this.#compiled) return
    this.#derive()
    this.announce({ kind, local: true })
  }

  #derive(): void {
    this.hides = false
    this.tasks = false
    for (const { entries } of Object.values(this.sections)) {
      for (const { policy, complete, visible } of entries.values()) {
        if (visible !== undefined) this.hides = true
        if (policy.task) this.tasks = true
        for (const scope of policy.scopes) this.scopes.add(scope)
        if (complete !== undefined && complete.size > 0) this.offered.completions = true
      }
    }
  }

  /**
   * How long clients may keep a result: as `own` says, else the server, else `ttlMs` and `private`. A result about
   * entries that need scopes, or are hidden from some callers, is always private, and so are all that a middleware may change.
   */
  cacheHint(method: CacheableMethod, ttlMs: number, about: readonly Registered<unknown>[], own?: CacheHint): Cacheable {
    const general = this.#cacheHints[method]
    // A middleware may make another result for each caller.
    const isChanged = this.middleware.length > 0 && method !== 'server/discover'
    const differs = isChanged || about.some(({ policy, visible }) => policy.scopes.length > 0 || visible !== undefined)
    const cacheScope = (!differs && (own?.cacheScope ?? general?.cacheScope)) || 'private'
    return { ttlMs: own?.ttlMs ?? general?.ttlMs ?? ttlMs, cacheScope }
  }

  /** The entry, unless it is hidden from the caller. `caller`: undefined where no entry is hidden, or from nobody. */
  seen<T extends Registered<unknown>>(entry: T | undefined, caller: Caller | undefined): T | undefined {
    if (entry?.visible === undefined || caller === undefined) return entry
    return isVisible(entry, caller, this.report) ? entry : undefined
  }

  /**
   * The resource or template that a URI belongs to: an exact URI before a template, templates in their order. An entry that is
   * hidden from the caller is passed over.
   */
  findResource(text: string, caller?: Caller): FoundResource | undefined {
    const normal = normalUri(text)
    const found = this.#match(normal, caller)
    const uri = found && requestedUri(text, normal)
    return uri && { ...found, uri }
  }

  #match(normal: string, caller: Caller | undefined): Omit<FoundResource, 'uri'> | undefined {
    const fixed = this.seen(this.resources.get(normal), caller)
    if (fixed !== undefined) return { entry: fixed, variables: {} }
    for (const entry of this.templates.values()) {
      const variables = entry.template.uriTemplate.matchNormal(normal)
      if (variables !== undefined && this.seen(entry, caller)) return { entry, variables }
    }
    return undefined
  }

  /** The template that a reference for completions names, unless it is hidden from the caller. */
  findTemplate(text: string, caller?: Caller): RegisteredTemplate | undefined {
    return this.seen(this.templates.get(normalTemplate(text)), caller)
  }
}

/** @throws RangeError for a `ttlMs` that is no number of milliseconds */
export function requireHint(hint: CacheHint | undefined, what: string): void {
  const ttlMs = hint?.ttlMs
  if (ttlMs !== undefined && !(Number.isSafeInteger(ttlMs) && ttlMs >= 0)) {
    throw new RangeError(`The ttlMs of "${what}" must be 0 or more, in whole milliseconds.`)
  }
}
