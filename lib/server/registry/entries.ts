/** Entries of the registry: the definition that lists show, and what serves it, compiled from what was registered. */
import { digest } from '../../base/ids.ts'
import { isObject } from '../../protocol/jsonrpc.ts'
import type { Prompt, PromptArgument, Resource, ResourceTemplate as TemplateEntry, Tool } from '../../protocol/types.ts'
import type { Variables } from '../../protocol/uri-template.ts'
import type { Context } from '../context/context.ts'
import { withConverter } from '../context/own-converter.ts'
import { membersOf } from '../schema/object-root.ts'
import { compileOutputSchema } from '../schema/output.ts'
import { type CompiledSchema, compileSchema, type Schema, type ToJsonSchema } from '../schema/schema.ts'
import { type Completer, fieldCompleters } from './completable.ts'
import type {
  CacheHint,
  Caller,
  PromptConfig,
  ResourceConfig,
  ResourceHandler,
  ResourceTemplateHandler,
  ToolConfig,
  ToolLimits,
} from './config.ts'
import { bounded } from './input-elements.ts'
import { limitsOf } from './limits.ts'
import { NO_POLICY, type Policy, paramHeaders } from './policy.ts'
import type { ResourceTemplate } from './resource-template.ts'
import { taskPolicy } from './task-policy.ts'

/** The arguments of a register call, as the updates of its handle have left them. */
interface Given<Config, Handler> {
  readonly name: string
  readonly config: Config
  readonly handler: Handler
  readonly enabled: boolean
}

export type GivenTool = Given<ToolConfig<Schema | undefined, Schema | undefined>, (...args: never[]) => unknown>
export type GivenPrompt = Given<PromptConfig<Schema | undefined>, (...args: never[]) => unknown>
export type GivenResource = Given<ResourceConfig, ResourceHandler> & { readonly place: string }
export type GivenTemplate = Given<ResourceConfig, ResourceTemplateHandler> & { readonly place: ResourceTemplate }

export interface Registered<Definition> {
  readonly definition: Definition
  /** False: it is in no list, and requests for it are refused. */
  readonly enabled: boolean
  /** The policy of requests about it. */
  readonly policy: Policy
  /** Whether it exists for a caller. Undefined: for every caller. */
  readonly visible: ((caller: Caller) => unknown) | undefined
  /** Completions by argument or variable. */
  readonly complete?: ReadonlyMap<string, Completer>
}

export interface RegisteredPrompt extends Registered<Prompt> {
  readonly input: CompiledSchema | undefined
  readonly handler: (args: unknown, ctx: Context) => unknown
}

export interface RegisteredTool extends Registered<Tool>, Pick<RegisteredPrompt, 'input' | 'handler'> {
  readonly output: CompiledSchema | undefined
  /** Undefined: none. */
  readonly limits: ToolLimits | undefined
}

export interface RegisteredResource<Definition = Resource> extends Registered<Definition> {
  readonly cacheHint: CacheHint | undefined
  readonly handler: (uri: URL, variables: Variables, ctx: Context) => unknown
}

export interface RegisteredTemplate extends RegisteredResource<TemplateEntry> {
  readonly template: ResourceTemplate
}

/** Options of the server that hold for the schemas of its entries. */
interface SchemaOptions extends Converting {
  /** Elements and members that the arguments of a tool may have together. */
  readonly maxToolInputElements: number
}

interface Converting {
  /** Writes schemas of libraries that cannot do it themselves, also those of forms. */
  readonly toJsonSchema: ToJsonSchema | undefined
}

/** Options of the server that hold for its tools. */
interface ToolOptions extends SchemaOptions {
  /** Of tools that have none of their own. */
  readonly limits: ToolLimits
}

/** @throws TypeError for a schema that cannot be used */
export function toolEntry(
  { name, config, handler, enabled }: GivenTool,
  { maxToolInputElements: most, toJsonSchema, limits }: ToolOptions,
): RegisteredTool {
  const { inputSchema, outputSchema, requiredScopes, visible, timeout, maxResultBytes, ...others } = config
  const { durable, version, task, ...members } = others
  const { annotations, execution } = members
  const what = `Tool "${name}": inputSchema`
  if (durable !== undefined && typeof durable !== 'boolean') {
    throw new TypeError(`Tool "${name}": durable must be true or false.`)
  }
  // A program without types may give null for none, as the official SDK lets it.
  const input = inputSchema ? compileSchema(inputSchema, 'input', what, toJsonSchema) : undefined
  const output = outputSchema
    ? compileOutputSchema(outputSchema, `Tool "${name}": outputSchema`, toJsonSchema)
    : undefined
  const tasks = (task ?? execution) === undefined ? undefined : taskPolicy(`Tool "${name}"`, task, execution)
  if (tasks) members.execution = { taskSupport: tasks.support }
  const schemas = { inputSchema: input?.json ?? { type: 'object', properties: {} }, outputSchema: output?.json }
  return {
    definition: compact({ name, ...members, ...schemas }),
    enabled,
    policy: {
      scopes: requiredScopes ?? [],
      runsAgain: durable === true || annotations?.readOnlyHint === true || annotations?.idempotentHint === true,
      ...(annotations?.readOnlyHint === true && { reads: true }),
      ...(durable === true && { durable: true, version: version ?? digest(String(handler), 9) }),
      ...(tasks && { task: tasks }),
      paramHeaders: input === undefined ? [] : paramHeaders(input.json, what),
    },
    visible,
    limits: limitsOf({ timeout, maxResultBytes }, limits),
    input: most === Number.POSITIVE_INFINITY ? input : bounded(input, most),
    output,
    handler: withConverter(withArguments(input, handler), toJsonSchema),
  }
}

export function resourceEntry(
  { name, config, handler, enabled, place }: GivenResource,
  { toJsonSchema }: Converting,
): RegisteredResource {
  const { requiredScopes, visible, cacheHint, ...members } = config
  return {
    definition: compact({ uri: place, name, ...members }),
    enabled,
    policy: policyFor(requiredScopes),
    visible,
    cacheHint,
    handler: withConverter((url, _variables, ctx) => handler(url, ctx), toJsonSchema),
  }
}

export function templateEntry(
  { name, config, handler, enabled, place }: GivenTemplate,
  { toJsonSchema }: Converting,
): RegisteredTemplate {
  const { requiredScopes, visible, cacheHint, size, ...members } = config
  return {
    definition: compact({ uriTemplate: place.uriTemplate.text, name, ...members }),
    enabled,
    policy: policyFor(requiredScopes),
    visible,
    complete: place.complete,
    template: place,
    cacheHint,
    handler: withConverter(handler, toJsonSchema),
  }
}

/** @throws TypeError for a schema that cannot be used, and for completions of an argument that it does not have */
export function promptEntry(
  { name, config, handler, enabled }: GivenPrompt,
  { toJsonSchema }: Converting,
): RegisteredPrompt {
  const { argsSchema, complete, requiredScopes, visible, ...members } = config
  const input = argsSchema
    ? compileSchema(argsSchema, 'input', `Prompt "${name}": argsSchema`, toJsonSchema)
    : undefined
  const args = input && promptArguments(input)
  const given = Object.entries((complete ?? {}) as Record<string, Completer>)
  for (const [argument] of given) {
    if (!args?.some((known) => known.name === argument)) {
      throw new TypeError(`Prompt "${name}" has no argument "${argument}" to complete.`)
    }
  }
  return {
    definition: compact({ name, ...members, arguments: args }),
    enabled,
    policy: policyFor(requiredScopes),
    visible,
    input,
    complete: new Map([...(argsSchema ? fieldCompleters(argsSchema) : []), ...given]),
    handler: withConverter(withArguments(input, handler), toJsonSchema),
  }
}

/** Without a schema a handler gets the context alone. */
function withArguments(input: CompiledSchema | undefined, handler: (...args: never[]) => unknown) {
  if (input !== undefined) return handler as (args: unknown, ctx: Context) => unknown
  const alone = handler as (ctx: Context) => unknown
  return (_args: unknown, ctx: Context) => alone(ctx)
}

function promptArguments({ json }: CompiledSchema): PromptArgument[] {
  const { properties, required } = membersOf(json, true)
  return Object.entries(properties).map(([name, property]) => {
    const { title, description } = isObject(property) ? property : {}
    const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
    return compact({ name, required: required.includes(name), title: text(title), description: text(description) })
  })
}

function policyFor(scopes: readonly string[] | undefined): Policy {
  return scopes ? { ...NO_POLICY, scopes } : NO_POLICY
}

/** `value` without members that are undefined: a definition has the members that will be sent. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T
}
