/** Policies: the rules for a request, from the tool, prompt or resource that its parameters name. */
import { MAX_LISTENED, MAX_LISTENED_CHARACTERS } from '../../protocol/bounds.ts'
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import type { Subject } from '../../protocol/methods.ts'
import type { ParamHeader } from '../schema/param-headers.ts'
import type { Registry } from './registry.ts'

/** The rules for one request. */
export interface Policy {
  /** OAuth scopes that the caller needs. */
  readonly scopes: readonly string[]
  /** Another instance may run the request when the first one dies. It is read where the method's row is `by policy`. */
  readonly runsAgain: boolean
  /** Arguments that the headers `Mcp-Param-*` repeat (2026-07-28). */
  readonly paramHeaders: readonly ParamHeader[]
}

/** The policy of requests that name no entry. A method that needs an entry refuses them itself. */
export const NO_POLICY: Policy = { scopes: [], runsAgain: false, paramHeaders: [] }

/** Policies are asked for before the parameters are checked: these may be of any type, and `String` of an object may throw. */
const POLICIES: Readonly<Record<Subject, (registry: Registry, params: JsonObject) => Policy | undefined>> = {
  tool: ({ tools }, { name }) => (typeof name === 'string' ? tools.get(name)?.policy : undefined),
  prompt: ({ prompts }, { name }) => (typeof name === 'string' ? prompts.get(name)?.policy : undefined),
  resource: (registry, { uri }) => policyOfUri(registry, uri),
  reference: (registry, { ref }) => {
    const { type, name, uri } = isObject(ref) ? ref : {}
    if (type === 'ref/prompt') return POLICIES.prompt(registry, { name })
    return (typeof uri === 'string' && registry.findTemplate(uri)?.policy) || policyOfUri(registry, uri)
  },
  subscriptions: (registry, { notifications }) => {
    const uris = isObject(notifications) ? notifications.resourceSubscriptions : undefined
    // More are refused by the method: to match them would take seconds.
    if (!Array.isArray(uris) || uris.length > MAX_LISTENED || charactersOf(uris) > MAX_LISTENED_CHARACTERS) {
      return undefined
    }
    return { ...NO_POLICY, scopes: [...new Set(uris.flatMap((uri) => policyOfUri(registry, uri)?.scopes ?? []))] }
  },
}

/** The policy of a request about `subject`. The policy of a tool was made when the tool was registered. */
export function policyOf(registry: Registry, subject: Subject | undefined, params: JsonObject = NO_PARAMS): Policy {
  return (subject && POLICIES[subject](registry, params)) ?? NO_POLICY
}

const NO_PARAMS: JsonObject = {}

function policyOfUri(registry: Registry, uri: unknown): Policy | undefined {
  return typeof uri === 'string' ? registry.findResource(uri)?.entry.policy : undefined
}

function charactersOf(uris: readonly unknown[]): number {
  let characters = 0
  for (const uri of uris) if (typeof uri === 'string') characters += uri.length
  return characters
}
