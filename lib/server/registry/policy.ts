/** Policies: the rules for a request, from the tool, prompt or resource that its parameters name. */
import { MAX_LISTENED, MAX_LISTENED_CHARACTERS } from '../../protocol/bounds.ts'
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import type { Subject } from '../../protocol/methods.ts'
import type { ParamHeader } from '../schema/param-headers.ts'
import type { Caller } from './config.ts'
import type { Registry } from './registry.ts'
import type { TaskPolicy } from './task-policy.ts'

// A tool's headers are part of its policy. Here, they belong to the code of the start, which a bundle has in one file.
export { paramHeaders } from '../schema/param-headers.ts'

/** The rules for one request. */
export interface Policy {
  /** OAuth scopes that the caller needs. */
  readonly scopes: readonly string[]
  /** Another instance may run the request when the first one dies. It is read where the method's row is `by policy`. */
  readonly runsAgain: boolean
  /** A tool that only reads (`readOnlyHint`). */
  readonly reads?: true
  /** Everything of the handler that has an effect is in `ctx.once` (`durable`). */
  readonly durable?: true
  /** Of the handler of a durable tool: a call that was begun by another one is named in the log. */
  readonly version?: string
  /** The calls of a tool may be tasks. */
  readonly task?: TaskPolicy
  /** Arguments that the headers `Mcp-Param-*` repeat (2026-07-28). */
  readonly paramHeaders: readonly ParamHeader[]
}

/** The policy of requests that name no entry. A method that needs an entry refuses them itself. */
export const NO_POLICY: Policy = { scopes: [], runsAgain: false, paramHeaders: [] }

type FindPolicy = (registry: Registry, params: JsonObject, caller: Caller | undefined) => Policy | undefined

/** Policies are asked for before the parameters are checked: these may be of any type, and `String` of an object may throw. */
const POLICIES: Readonly<Record<Subject, FindPolicy>> = {
  tool: (registry, { name }, caller) =>
    typeof name === 'string' ? registry.seen(registry.tools.get(name), caller)?.policy : undefined,
  prompt: (registry, { name }, caller) =>
    typeof name === 'string' ? registry.seen(registry.prompts.get(name), caller)?.policy : undefined,
  resource: (registry, { uri }, caller) => policyOfUri(registry, uri, caller),
  reference: (registry, { ref }, caller) => {
    const { type, name, uri } = isObject(ref) ? ref : {}
    if (type === 'ref/prompt') return POLICIES.prompt(registry, { name }, caller)
    const template = typeof uri === 'string' ? registry.findTemplate(uri, caller) : undefined
    return template?.policy ?? policyOfUri(registry, uri, caller)
  },
  subscriptions: (registry, { notifications }, caller) => {
    const uris = isObject(notifications) ? notifications.resourceSubscriptions : undefined
    // More are refused by the method: to match them would take seconds.
    if (!Array.isArray(uris) || uris.length > MAX_LISTENED || charactersOf(uris) > MAX_LISTENED_CHARACTERS) {
      return undefined
    }
    const scopes = uris.flatMap((uri) => policyOfUri(registry, uri, caller)?.scopes ?? [])
    return { ...NO_POLICY, scopes: [...new Set(scopes)] }
  },
}

/**
 * The policy of a request about `subject`. The policy of a tool was made when the tool was registered. An entry that is hidden
 * from the caller has none; without a caller no entry is hidden.
 */
export function policyOf(
  registry: Registry,
  subject: Subject | undefined,
  params: JsonObject = NO_PARAMS,
  caller?: Caller,
): Policy {
  return (subject && POLICIES[subject](registry, params, caller)) ?? NO_POLICY
}

const NO_PARAMS: JsonObject = {}

function policyOfUri(registry: Registry, uri: unknown, caller: Caller | undefined): Policy | undefined {
  return typeof uri === 'string' ? registry.findResource(uri, caller)?.entry.policy : undefined
}

function charactersOf(uris: readonly unknown[]): number {
  let characters = 0
  for (const uri of uris) if (typeof uri === 'string') characters += uri.length
  return characters
}
