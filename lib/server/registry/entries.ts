/** Entries of the registry: the definition that lists show, and what serves it, compiled when it is registered. */
import { isObject } from '../../protocol/jsonrpc.ts'
import type { Prompt, PromptArgument, Resource, ResourceTemplate as TemplateEntry, Tool } from '../../protocol/types.ts'
import type { Variables } from '../../protocol/uri-template.ts'
import type { Context } from '../context/context.ts'
import { paramHeaders } from '../schema/param-headers.ts'
import { type CompiledSchema, compileObjectSchema, compileSchema, type Schema } from '../schema/schema.ts'
import { type Completer, fieldCompleters } from './completable.ts'
import type { CacheHint, CommonConfig, PromptConfig, ResourceConfig, ToolConfig } from './config.ts'
import { NO_POLICY, type Policy } from './policy.ts'
import type { ResourceTemplate } from './resource-template.ts'

export interface Registered<Definition> {
  readonly definition: Definition
  /** The policy of requests about it. */
  readonly policy: Policy
  /** Completions by argument or variable. */
  readonly complete?: ReadonlyMap<string, Completer>
}

export interface RegisteredTool extends Registered<Tool> {
  readonly input: CompiledSchema | undefined
  readonly output: CompiledSchema | undefined
  readonly handler: (args: unknown, ctx: Context) => unknown
}

export interface RegisteredResource extends Registered<Resource> {
  readonly cacheHint: CacheHint | undefined
  readonly handler: (uri: URL, ctx: Context) => unknown
}

export interface RegisteredTemplate extends Registered<TemplateEntry> {
  readonly template: ResourceTemplate
  readonly complete: ReadonlyMap<string, Completer>
  readonly cacheHint: CacheHint | undefined
  readonly handler: (uri: URL, variables: Variables, ctx: Context) => unknown
}

export interface RegisteredPrompt extends Registered<Prompt> {
  readonly input: CompiledSchema | undefined
  readonly complete: ReadonlyMap<string, Completer>
  readonly handler: (args: unknown, ctx: Context) => unknown
}

/** 2025-11-25 and newer recommend these characters; clients make function names for models from them. */
const TOOL_NAME = /^[A-Za-z0-9_./-]{1,64}$/

export function toolEntry(
  name: string,
  config: ToolConfig<Schema | undefined, Schema | undefined>,
  handler: (...args: never[]) => unknown,
): RegisteredTool {
  if (!TOOL_NAME.test(name)) {
    throw new TypeError(`Tool name ${JSON.stringify(name)}: 1 to 64 of the characters A-Z a-z 0-9 _ . / - are allowed.`)
  }
  const { inputSchema, outputSchema, requiredScopes, ...members } = config
  const { annotations } = members
  const what = `Tool "${name}": inputSchema`
  const input = inputSchema === undefined ? undefined : compileObjectSchema(inputSchema, what)
  const output =
    outputSchema === undefined ? undefined : compileSchema(outputSchema, 'output', `Tool "${name}": outputSchema`)
  return {
    definition: compact({
      name,
      ...members,
      inputSchema: input?.json ?? { type: 'object', properties: {} },
      outputSchema: output?.json,
    }),
    policy: {
      ...policyFor(config),
      runsAgain: annotations?.readOnlyHint === true || annotations?.idempotentHint === true,
      paramHeaders: input === undefined ? [] : paramHeaders(input.json, what),
    },
    input,
    output,
    handler: withArguments(input, handler),
  }
}

export function resourceEntry(
  name: string,
  uri: string,
  config: ResourceConfig,
  handler: RegisteredResource['handler'],
): RegisteredResource {
  requireName(name, 'resource')
  if (!URL.canParse(uri)) throw new TypeError(`Resource "${name}": ${JSON.stringify(uri)} is not a URI with a scheme.`)
  const { requiredScopes, cacheHint, ...members } = config
  return {
    definition: compact({ uri, name, ...members }),
    policy: policyFor(config),
    cacheHint,
    handler,
  }
}

export function templateEntry(
  name: string,
  template: ResourceTemplate,
  config: ResourceConfig,
  handler: RegisteredTemplate['handler'],
): RegisteredTemplate {
  requireName(name, 'resource')
  const { requiredScopes, cacheHint, size, ...members } = config
  return {
    definition: compact({ uriTemplate: template.uriTemplate.text, name, ...members }),
    policy: policyFor(config),
    complete: template.complete,
    template,
    cacheHint,
    handler,
  }
}

export function promptEntry(
  name: string,
  config: PromptConfig<Schema | undefined>,
  handler: (...args: never[]) => unknown,
): RegisteredPrompt {
  requireName(name, 'prompt')
  const { argsSchema, complete, requiredScopes, ...members } = config
  const input = argsSchema === undefined ? undefined : compileObjectSchema(argsSchema, `Prompt "${name}": argsSchema`)
  const args = input === undefined ? undefined : promptArguments(input)
  const given = Object.entries((complete ?? {}) as Record<string, Completer>)
  for (const [argument] of given) {
    if (!args?.some((known) => known.name === argument)) {
      throw new TypeError(`Prompt "${name}" has no argument "${argument}" to complete.`)
    }
  }
  return {
    definition: compact({ name, ...members, arguments: args }),
    policy: policyFor(config),
    input,
    complete: new Map([...(argsSchema === undefined ? [] : fieldCompleters(argsSchema)), ...given]),
    handler: withArguments(input, handler),
  }
}

/** Without a schema a handler gets the context alone. */
function withArguments(input: CompiledSchema | undefined, handler: (...args: never[]) => unknown) {
  if (input !== undefined) return handler as (args: unknown, ctx: Context) => unknown
  const alone = handler as (ctx: Context) => unknown
  return (_args: unknown, ctx: Context) => alone(ctx)
}

function promptArguments({ json }: CompiledSchema): PromptArgument[] {
  const properties = isObject(json.properties) ? json.properties : {}
  const required = Array.isArray(json.required) ? json.required : []
  return Object.entries(properties).map(([name, property]) => {
    const { title, description } = isObject(property) ? property : {}
    const argument: PromptArgument = { name, required: required.includes(name) }
    if (typeof title === 'string') argument.title = title
    if (typeof description === 'string') argument.description = description
    return argument
  })
}

function policyFor({ requiredScopes }: CommonConfig): Policy {
  return requiredScopes === undefined ? NO_POLICY : { ...NO_POLICY, scopes: requiredScopes }
}

function requireName(name: string, kind: string): void {
  if (typeof name !== 'string' || name === '') throw new TypeError(`The name of a ${kind} must not be empty.`)
}

/** `value` without members that are undefined: a definition has the members that will be sent. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T
}
