/** The policies of tools of the official SDK: from their annotations, and from `options.tools`. */
import { isObject, type JsonObject } from '../protocol/jsonrpc.ts'
import type { ClientChannel } from '../server/context/client-channel.ts'
import { NO_POLICY, type Policy } from '../server/registry/policy.ts'
import type { Caller } from '../server/registry/config.ts'
import { type ParamHeader, paramHeaders } from '../server/schema/param-headers.ts'
import { features } from '../protocol/revisions.ts'
import type { OfficialToolOptions } from './options.ts'

/** What a list says of a tool. */
interface Listed {
  annotations: unknown
  headers: readonly ParamHeader[]
}

interface Kept {
  annotations: unknown
  headers: readonly ParamHeader[]
  policy: Policy
}

interface PolicyParts {
  tools: { readonly [name: string]: OfficialToolOptions } | undefined
  /** The annotations of a tool that an `McpServer` has registered. Undefined: none, or it is a low-level server. */
  annotationsOf(name: string): unknown
  report(error: unknown): void
}

const UNKNOWN: Listed = { annotations: undefined, headers: [] }

export class Policies {
  readonly #parts: PolicyParts
  /** What lists said of tools, by name. */
  readonly #listed = new Map<string, Listed>()
  readonly #kept = new Map<string, Kept>()
  readonly #options: ReadonlyMap<string, OfficialToolOptions>
  /** The tools that not every caller has. */
  readonly #limited: readonly (readonly [name: string, options: OfficialToolOptions])[]
  readonly #reported = new Set<string>()

  constructor(parts: PolicyParts) {
    this.#parts = parts
    this.#options = new Map(Object.entries(parts.tools ?? {}))
    this.#limited = [...this.#options].filter(([, { requiredScopes = [], visible }]) => requiredScopes.length > 0 || visible)
  }

  /** The policy of a request. It is made once for each tool. */
  of(method: string, params: JsonObject | undefined): Policy {
    if (method !== 'tools/call') return NO_POLICY
    const name = params?.name
    if (typeof name !== 'string') return NO_POLICY
    const { annotations, headers } = this.#factsOf(name)
    const kept = this.#kept.get(name)
    if (kept?.annotations === annotations && kept?.headers === headers) return kept.policy
    const policy = this.#policy(name, annotations, headers)
    // Clients choose names: only those of tools are kept.
    if (annotations !== undefined || headers.length > 0 || this.#options.has(name)) {
      this.#kept.set(name, { annotations, headers, policy })
    }
    return policy
  }

  #factsOf(name: string): Listed {
    const listed = this.#listed.get(name) ?? UNKNOWN
    const registered = this.#parts.annotationsOf(name)
    if (registered === undefined || registered === listed.annotations) return listed
    return { annotations: registered, headers: listed.headers }
  }

  #policy(name: string, annotations: unknown, headers: readonly ParamHeader[]): Policy {
    const { readOnlyHint, idempotentHint } = isObject(annotations) ? annotations : {}
    const { requiredScopes, readOnly, idempotent } = this.#options.get(name) ?? {}
    const runsAgain = (readOnly ?? readOnlyHint === true) || (idempotent ?? idempotentHint === true)
    if (!runsAgain && requiredScopes === undefined && headers.length === 0) return NO_POLICY
    return { scopes: requiredScopes ?? [], runsAgain, paramHeaders: headers }
  }

  /** The tools that lists have named. */
  get names(): string[] {
    return [...this.#listed.keys()]
  }

  /** Reads what a list says of the tools. */
  learn(tools: readonly unknown[]): void {
    for (const tool of tools) {
      if (!isObject(tool) || typeof tool.name !== 'string') continue
      this.#listed.set(tool.name, { annotations: tool.annotations, headers: this.#headers(tool) })
    }
  }

  #headers({ name, inputSchema }: JsonObject): readonly ParamHeader[] {
    if (!isObject(inputSchema)) return UNKNOWN.headers
    try {
      const headers = paramHeaders(inputSchema, `The tool "${name}"`)
      return headers.length > 0 ? headers : UNKNOWN.headers
    } catch (error) {
      // Clients leave the tool out.
      this.#report(`headers ${name}`, error)
      return UNKNOWN.headers
    }
  }

  /** Whether the tool exists for the caller. */
  isVisible(name: unknown, channel: ClientChannel): boolean {
    const options = typeof name === 'string' ? this.#options.get(name) : undefined
    return options === undefined || this.#shows(String(name), options, channel)
  }

  /** A text that is the same for callers who see the same tools. */
  viewOf(channel: ClientChannel): string {
    if (this.#limited.length === 0) return ''
    return this.#limited.map(([name, options]) => (this.#shows(name, options, channel) ? '1' : '0')).join('')
  }

  #shows(name: string, { requiredScopes = [], visible }: OfficialToolOptions, channel: ClientChannel): boolean {
    const { auth } = channel
    if (auth && !requiredScopes.every((scope) => auth.scopes.includes(scope))) return false
    if (!visible) return true
    try {
      const shown: unknown = visible(callerOf(channel))
      if (typeof shown === 'boolean') return shown
      throw new TypeError(`tools[${JSON.stringify(name)}].visible must return true or false.`)
    } catch (error) {
      this.#report(`visible ${name}`, error)
      return false
    }
  }

  /** The same fault comes with each request. */
  #report(key: string, error: unknown): void {
    if (this.#reported.has(key)) return
    this.#reported.add(key)
    this.#parts.report(error)
  }
}

export function callerOf({ auth, revision, client }: ClientChannel): Caller {
  return { auth, revision, client: features(revision).sessions ? client : undefined }
}
