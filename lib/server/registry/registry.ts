/** The entries that the author of one server registered, and values derived from them. */
import type { CacheableMethod } from '../../protocol/methods.ts'
import type { CacheScope } from '../../protocol/types.ts'
import { normalTemplate, normalUri } from '../../protocol/uri.ts'
import type { Variables } from '../../protocol/uri-template.ts'
import type { CacheHint, Caller, ToolLimits } from './config.ts'
import type { Registered, RegisteredPrompt, RegisteredResource, RegisteredTemplate, RegisteredTool } from './entries.ts'
import { requireLimits } from './limits.ts'
import { ListCache } from './list-cache.ts'
import type { Middleware } from './middleware.ts'
import { requestedUri } from './requested-uri.ts'
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

export class Registry {
  /** By name, in the order in which they were registered, which is the order of the list. */
  readonly tools = new Map<string, RegisteredTool>()
  /** By URI in its normal form. */
  readonly resources = new Map<string, RegisteredResource>()
  /** By the normal form of the template. A URI belongs to the first that matches. */
  readonly templates = new Map<string, RegisteredTemplate>()
  /** By name. */
  readonly prompts = new Map<string, RegisteredPrompt>()
  /** Every scope that an entry needs. */
  readonly scopes = new Set<string>()
  /** Lists that are ready to be sent; methods/lists.ts fills it. */
  readonly lists = new ListCache()
  /** An entry has completions. */
  hasCompletions = false
  /** An entry has `visible`. Without one no request asks for it. */
  hides = false
  /** In the order in which they were added: the first is the outermost. */
  readonly middleware: Middleware[] = []
  /** Of tools that have none of their own. */
  readonly limits: ToolLimits
  /** Receives the faults of authors' functions that no call can report: each once. */
  report: (error: Error) => void = warnOf
  /** Items on a page of a list. Undefined: as many as fit into the bytes of a page. */
  readonly pageSize: number | undefined
  readonly #cacheHints: CacheHints

  constructor(pageSize: number | undefined, cacheHints: CacheHints, limits: ToolLimits = {}) {
    if (pageSize !== undefined && !(Number.isSafeInteger(pageSize) && pageSize >= 1)) {
      throw new RangeError('pageSize must be 1 or more.')
    }
    for (const [method, hint] of Object.entries(cacheHints)) requireHint(hint, method)
    requireLimits(limits, 'McpServer')
    this.limits = limits
    this.pageSize = pageSize
    this.#cacheHints = cacheHints
  }

  /** The number of entries. */
  get size(): number {
    return this.tools.size + this.resources.size + this.templates.size + this.prompts.size
  }

  get hasResources(): boolean {
    return this.resources.size > 0 || this.templates.size > 0
  }

  /** @throws TypeError for a key that is taken */
  add<T extends Registered<unknown>>(entries: Map<string, T>, key: string, entry: T, what: string): void {
    if (entries.has(key)) throw new TypeError(`${what} is already registered.`)
    entries.set(key, entry)
    for (const scope of entry.policy.scopes) this.scopes.add(scope)
    if (entry.complete !== undefined && entry.complete.size > 0) this.hasCompletions = true
    if (entry.visible !== undefined) this.hides = true
    this.lists.clear()
  }

  use(middleware: Middleware): void {
    this.middleware.push(middleware)
    // They may have been for every client.
    this.lists.clear()
  }

  /**
   * How long clients may keep a result: as `own` says, else the server, else `ttlMs` and `private`. A result about
   * entries that need scopes, or are hidden from some callers, is always private, and so are all that a middleware may change.
   */
  cacheHint(method: CacheableMethod, ttlMs: number, about: readonly Registered<unknown>[], own?: CacheHint): Cacheable {
    const general = this.#cacheHints[method]
    // Who makes the result of a middleware, and for whom, is not known here.
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
