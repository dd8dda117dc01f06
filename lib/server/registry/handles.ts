/**
 * Handles, which register calls return, with the members of the official SDK. A change before the server is served decides what
 * clients see. A later change acts at once in this process, and the endpoint announces it.
 */
import type { Prompt, Tool } from '../../protocol/types.ts'
import type { Schema } from '../schema/schema.ts'
import type {
  PromptConfig,
  PromptHandler,
  ResourceConfig,
  ResourceHandler,
  ResourceTemplateHandler,
  ToolConfig,
  ToolHandler,
} from './config.ts'
import type { Registered } from './entries.ts'
import { noHandler } from './no-handler.ts'
import type { ResourceTemplate } from './resource-template.ts'
import type { Registrar } from './slots.ts'

interface Handle {
  /** A member of a handle may be set: that is an update. */
  name: string
  title?: string | undefined
  enabled: boolean
  enable(): void
  /** From now on the entry is in no list, and requests for it are refused. */
  disable(): void
  remove(): void
}

/** The members that each update may have. `name: null` removes the entry. */
interface Update {
  name?: string | null | undefined
  enabled?: boolean | undefined
}

type ToolUpdate<In extends Schema | undefined, Out extends Schema | undefined> = Update &
  Partial<Omit<ToolConfig<In, Out>, 'inputSchema'>> & {
    paramsSchema?: In | undefined
    callback?: ToolHandler<In, Out> | undefined
  }

/** A tool that was registered. `Current`: its input schema. */
export interface ToolHandle<Current extends Schema | undefined = Schema> extends Handle {
  description?: string | undefined
  inputSchema?: Schema | undefined
  outputSchema?: Schema | undefined
  annotations?: Tool['annotations']
  icons?: Tool['icons']
  _meta?: Tool['_meta']
  handler: (...args: never[]) => unknown
  /**
   * Changes members; those that are left out or undefined stay.
   *
   * @throws TypeError for a name that is taken or not allowed, and for a schema that cannot be used
   */
  update<In extends Schema | undefined = Current, Out extends Schema | undefined = undefined>(
    updates: ToolUpdate<In, Out>,
  ): void
}

type PromptUpdate<Args extends Schema | undefined> = Update &
  Partial<PromptConfig<Args>> & { callback?: PromptHandler<Args> | undefined }

/** A prompt that was registered. `Current`: its schema. */
export interface PromptHandle<Current extends Schema | undefined = Schema> extends Handle {
  description?: string | undefined
  argsSchema?: Schema | undefined
  icons?: Prompt['icons']
  _meta?: Prompt['_meta']
  callback: (...args: never[]) => unknown
  /** As {@link ToolHandle.update}. */
  update<Args extends Schema | undefined = Current>(updates: PromptUpdate<Args>): void
}

interface OfResource extends Handle {
  /** The configuration without the options that lists do not show. */
  metadata?: ResourceConfig | undefined
}

/** A resource that was registered. */
export interface ResourceHandle extends OfResource {
  readCallback: ResourceHandler
  /** As {@link ToolHandle.update}. `metadata` replaces all of it; `uri: null` removes the resource. */
  update(
    updates: Update & {
      title?: string | undefined
      uri?: string | null | undefined
      metadata?: ResourceConfig | undefined
      callback?: ResourceHandler | undefined
    },
  ): void
}

/** A family of resources that was registered. */
export interface TemplateHandle extends OfResource {
  resourceTemplate: ResourceTemplate
  readCallback: (...args: never[]) => unknown
  /** As {@link ResourceHandle.update}. */
  update(
    updates: Update & {
      title?: string | undefined
      template?: ResourceTemplate | undefined
      metadata?: ResourceConfig | undefined
      callback?: ResourceTemplateHandler | undefined
    },
  ): void
}

/** The handle of a resource at a URI, or of a template. */
export type HandleAt<Place> = Place extends string ? ResourceHandle : TemplateHandle

/** The handler of a resource at a URI, or of a template. */
export type HandlerAt<Place> = Place extends ResourceTemplate<infer T> ? ResourceTemplateHandler<T> : ResourceHandler

/** A registration, read without its types: its members have those of the register call. */
interface AnyGiven {
  readonly name: string
  readonly config: object
  readonly handler: unknown
  readonly enabled: boolean
  /** The URI or the template of a resource. */
  readonly place?: unknown
}

/** The options of an entry that lists do not show. An update of the metadata keeps them. */
const OPTIONS = ['requiredScopes', 'cacheHint', 'visible', 'timeout', 'maxResultBytes']
/** The member of the registration, where it has another name than that of the handle or the update. */
const NAMES: Readonly<Record<string, string>> = {
  paramsSchema: 'inputSchema',
  callback: 'handler',
  readCallback: 'handler',
  uri: 'place',
  template: 'place',
  resourceTemplate: 'place',
}
const DEFINING = ['title', 'description', 'annotations', 'icons', '_meta']
const COMMON = ['name', 'enabled']

export const TOOL_MEMBERS = [...COMMON, ...DEFINING, 'inputSchema', 'outputSchema', 'handler']
export const PROMPT_MEMBERS = [...COMMON, ...DEFINING, 'argsSchema', 'callback']
export const RESOURCE_MEMBERS = [...COMMON, 'title', 'uri', 'metadata', 'readCallback']
export const TEMPLATE_MEMBERS = [...COMMON, 'title', 'resourceTemplate', 'metadata', 'readCallback']

/**
 * Registers `given`, and returns its handle.
 *
 * @param members the members by which the handle shows the registration
 * @throws TypeError as the register calls do
 */
export function register<G extends AnyGiven, E extends Registered<unknown>, H extends Handle>(
  { registry, kind, section, slot }: Registrar<G, E>,
  given: G,
  members: readonly string[],
): H {
  // The author may use the object of the configuration again.
  let now: G = { ...given, config: { ...given.config } }
  /** Undefined: it is removed. */
  let key: string | undefined
  const put = (next: G) => {
    const made = slot(next)
    if (typeof next.handler !== 'function') throw noHandler(kind, next)
    registry.put(kind, section, made, key)
    now = next
    key = made.key
  }
  const remove = () => {
    if (key !== undefined) registry.remove(kind, section, key)
    key = undefined
  }
  const enable = (enabled: boolean) => {
    if (enabled === now.enabled) return
    now = { ...now, enabled }
    if (key === undefined) return
    const entry = section.entries.get(key)
    // An entry that is made already need not be made again.
    const make = entry ? () => ({ ...entry, enabled }) : slot(now).make
    registry.put(kind, section, { key, what: '', make }, key)
  }
  const update = (updates: Readonly<Record<string, unknown>>) => {
    const { name, uri, enabled, ...others } = updates
    if (name === null || uri === null) return remove()
    const changes =
      name !== undefined || uri !== undefined || Object.values(others).some((value) => value !== undefined)
    if (!changes) return enabled === undefined ? undefined : enable(enabled === true)
    const next = updated(now, updates)
    // As in the official SDK, what was removed comes back under a name or at a URI that is given.
    if (key === undefined && name === undefined && uri === undefined) now = next
    else put(next)
  }
  put(now)
  const handle = Object.assign({} as H, { enable: () => enable(true), disable: () => enable(false), remove, update })
  for (const member of members) {
    Object.defineProperty(handle, member, {
      enumerable: true,
      get: () => memberOf(now, member),
      set: (value: unknown) => update({ [member]: value }),
    })
  }
  return handle
}

function memberOf(given: AnyGiven, member: string): unknown {
  const name = NAMES[member] ?? member
  if (name === 'metadata') return without(given.config, OPTIONS)
  const from: object = name in given ? given : given.config
  return (from as Readonly<Record<string, unknown>>)[name]
}

function updated<G extends AnyGiven>(given: G, updates: Readonly<Record<string, unknown>>): G {
  const changed: Record<string, unknown> = {}
  let config: Record<string, unknown> = { ...given.config }
  // `metadata` replaces the others, so that it comes before them.
  const { metadata } = updates
  if (metadata !== undefined) config = { ...only(config, OPTIONS), ...(metadata as object) }
  for (const [member, value] of Object.entries(updates)) {
    if (value === undefined || member === 'metadata') continue
    const name = NAMES[member] ?? member
    if (name in given) changed[name] = value
    else config[name] = value
  }
  return { ...given, ...changed, config }
}

function only(members: object, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([name]) => names.includes(name)))
}

function without(members: object, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)))
}
