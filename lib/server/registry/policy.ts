/** Policies: the rules for a request, from the tool, prompt or resource that its parameters name. */
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

const POLICIES: Readonly<Record<Subject, (registry: Registry, params: JsonObject) => Policy | undefined>> = {
  tool: ({ tools }, { name }) => tools.get(String(name))?.policy,
  prompt: ({ prompts }, { name }) => prompts.get(String(name))?.policy,
  resource: (registry, { uri }) => policyOfUri(registry, uri),
  reference: (registry, { ref }) => {
    const { type, name, uri } = isObject(ref) ? ref : {}
    if (type === 'ref/prompt') return registry.prompts.get(String(name))?.policy
    return registry.findTemplate(String(uri))?.policy ?? policyOfUri(registry, uri)
  },
  subscriptions: (registry, { notifications }) => {
    const uris = isObject(notifications) ? notifications.resourceSubscriptions : undefined
    if (!Array.isArray(uris)) return undefined
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
