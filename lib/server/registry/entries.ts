/** Entries of the registry: the definition that lists show, and what serves it, compiled when it is registered. */
import { isObject } from '../../protocol/jsonrpc.ts'
import type { Prompt, PromptArgument, Resource, ResourceTemplate as TemplateEntry, Tool } from '../../protocol/types.ts'
import type { Variables } from '../../protocol/uri-template.ts'
import type { Context } from '../context/context.ts'
import { membersOf } from '../schema/object-root.ts'
import { compileOutputSchema } from '../schema/output.ts'
import { paramHeaders } from '../schema/param-headers.ts'
import { type CompiledSchema, compileSchema, type Schema } from '../schema/schema.ts'
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
import { limitsOf } from './limits.ts'
import { NO_POLICY, type Policy } from './policy.ts'
import type { ResourceTemplate } from './resource-template.ts'
import { requireVisible } from './visibility.ts'

export interface Registered<Definition> {
  readonly definition: Definition
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

/** 2025-11-25 and newer recommend 1 to 128 of these characters ("Tool Names"). */
const TOOL_NAME = /^[A-Za-z0-9_./-]{1,128}$/
/** Some clients make the name of a function for a model from it, and several models take no longer one. */
const SAFE_LENGTH = 64

/** What an operator should know of a tool that some clients can use only in part. */
export function warningsOf({ definition: { name, outputSchema } }: RegisteredTool): string[] {
  const warnings: string[] = []
  if (name.length > SAFE_LENGTH) {
    warnings.push(
      `Tool "${name}": the name has ${name.length} characters, and some clients refuse more than ${SAFE_LENGTH}.`,
    )
  }
  if (outputSchema !== undefined && outputSchema.type !== 'object') {
    warnings.push(
      `Tool "${name}": outputSchema is not one of an object, so clients before 2026-07-28 get the results as text alone.`,
    )
  }
  return warnings
}

/** `limits`: those of the server. */
export function toolEntry(
  name: string,
  config: ToolConfig<Schema | undefined, Schema | undefined>,
  handler: (...args: never[]) => unknown,
  limits: ToolLimits = {},
): RegisteredTool {
  if (!TOOL_NAME.test(name)) {
    throw new TypeError(
      `Tool name ${JSON.stringify(name)}: 1 to 128 of the characters A-Z a-z 0-9 _ . / - are allowed.`,
    )
  }
  const { inputSchema, outputSchema, requiredScopes, visible, timeout, maxResultBytes, ...members } = config
  requireVisible(visible, `Tool "${name}"`)
  const { annotations } = members
  const what = `Tool "${name}": inputSchema`
  const input = inputSchema && compileSchema(inputSchema, 'input', what)
  const output = outputSchema && compileOutputSchema(outputSchema, `Tool "${name}": outputSchema`)
  const schemas = { inputSchema: input?.json ?? { type: 'object', properties: {} }, outputSchema: output?.json }
  return {
    definition: compact({ name, ...members, ...schemas }),
    policy: {
      scopes: requiredScopes ?? [],
      runsAgain: annotations?.readOnlyHint === true || annotations?.idempotentHint === true,
      paramHeaders: input === undefined ? [] : paramHeaders(input.json, what),
    },
    visible,
    limits: limitsOf(`Tool "${name}"`, { timeout, maxResultBytes }, limits),
    input,
    output,
    handler: withArguments(input, handler),
  }
}

export function resourceEntry(name: string, uri: string, config: ResourceConfig, handler: ResourceHandler) {
  requireName(name, 'resource')
  if (!URL.canParse(uri)) throw new TypeError(`Resource "${name}": ${JSON.stringify(uri)} is not a URI with a scheme.`)
  const { requiredScopes, visible, cacheHint, ...members } = config
  requireVisible(visible, `Resource "${name}"`)
  const run: RegisteredResource['handler'] = (url, _variables, ctx) => handler(url, ctx)
  const definition = compact({ uri, name, ...members })
  return { definition, policy: policyFor(requiredScopes), visible, cacheHint, handler: run }
}

export function templateEntry(
  name: string,
  template: ResourceTemplate,
  config: ResourceConfig,
  handler: ResourceTemplateHandler,
): RegisteredTemplate {
  requireName(name, 'resource')
  const { requiredScopes, visible, cacheHint, size, ...members } = config
  requireVisible(visible, `Resource "${name}"`)
  const definition = compact({ uriTemplate: template.uriTemplate.text, name, ...members })
  const policy = policyFor(requiredScopes)
  return { definition, policy, visible, complete: template.complete, template, cacheHint, handler }
}

export function promptEntry(
  name: string,
  config: PromptConfig<Schema | undefined>,
  handler: (...args: never[]) => unknown,
): RegisteredPrompt {
  requireName(name, 'prompt')
  const { argsSchema, complete, requiredScopes, visible, ...members } = config
  requireVisible(visible, `Prompt "${name}"`)
  const input = argsSchema && compileSchema(argsSchema, 'input', `Prompt "${name}": argsSchema`)
  const args = input && promptArguments(input)
  const given = Object.entries((complete ?? {}) as Record<string, Completer>)
  for (const [argument] of given) {
    if (!args?.some((known) => known.name === argument)) {
      throw new TypeError(`Prompt "${name}" has no argument "${argument}" to complete.`)
    }
  }
  return {
    definition: compact({ name, ...members, arguments: args }),
    policy: policyFor(requiredScopes),
    visible,
    input,
    complete: new Map([...(argsSchema ? fieldCompleters(argsSchema) : []), ...given]),
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

function requireName(name: string, kind: string): void {
  if (typeof name !== 'string' || name === '') throw new TypeError(`The name of a ${kind} must not be empty.`)
}

/** `value` without members that are undefined: a definition has the members that will be sent. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T
}
