/** The policies of tools of the official SDK: from their annotations, and from `options.tools`. */

import { asError } from '../base/errors.ts'
import { digest } from '../base/ids.ts'
import { hasScopes } from '../protocol/auth-info.ts'
import { isObject, type JsonObject } from '../protocol/jsonrpc.ts'
import type { Caller } from '../server/registry/config.ts'
import { NO_POLICY, type Policy, paramHeaders } from '../server/registry/policy.ts'
import { taskPolicy } from '../server/registry/task-policy.ts'
import { isVisible } from '../server/registry/visibility.ts'
import type { ParamHeader } from '../server/schema/param-headers.ts'
import type { OfficialToolOptions } from './options.ts'

/** The part of a tool's definition, from a list, that decides about its calls. */
interface Listed {
  annotations: unknown
  headers: readonly ParamHeader[]
}

interface Kept extends Listed {
  policy: Policy
}

interface PolicyParts {
  tools: { readonly [name: string]: OfficialToolOptions } | undefined
  /** The annotations of a tool that an `McpServer` has registered. Undefined: none, or it is a low-level server. */
  annotationsOf(name: string): unknown
  /** The source of the handler that an `McpServer` has registered. */
  sourceOf?(name: string): string | undefined
  /** Whether an `McpServer` has registered the tool. */
  hasTool?(name: string): boolean
  report(error: Error): void
}

/** A tool that not every caller has. */
interface Limited {
  definition: { name: string }
  scopes: readonly string[]
  visible: ((caller: Caller) => boolean) | undefined
}

const UNKNOWN: Listed = { annotations: undefined, headers: [] }

export class Policies {
  /** Every scope that a call can need. */
  readonly scopes: ReadonlySet<string>
  /** Calls of a tool may be tasks. */
  readonly tasks: boolean
  /** Tools are hidden from some callers. */
  readonly hides: boolean
  readonly #parts: PolicyParts
  /** By name, from the lists of the server. */
  readonly #listed = new Map<string, Listed>()
  readonly #kept = new Map<string, Kept>()
  /** The tools whose fault was reported. */
  readonly #faulty = new Set<string>()
  readonly #options: ReadonlyMap<string, OfficialToolOptions>
  readonly #limited = new Map<string, Limited>()

  constructor(parts: PolicyParts) {
    this.#parts = parts
    this.#options = new Map(Object.entries(parts.tools ?? {}))
    for (const [name, { requiredScopes: scopes = [], visible }] of this.#options) {
      if (scopes.length > 0 || visible) this.#limited.set(name, { definition: { name }, scopes, visible })
    }
    const limited = [...this.#limited.values()]
    this.scopes = new Set(limited.flatMap(({ scopes }) => scopes))
    this.tasks = [...this.#options.values()].some(({ task }) => task !== undefined)
    this.hides = limited.some(({ visible }) => visible)
  }

  /** The policy of a request, which is made once for each tool. A tool that is hidden from `caller` has that of an unknown one. */
  of(method: string, params: JsonObject | undefined, caller?: Caller): Policy {
    if (method !== 'tools/call') return NO_POLICY
    const name = params?.name
    if (typeof name !== 'string') return NO_POLICY
    if (caller && !this.isVisible(name, caller)) return NO_POLICY
    const listed = this.#listed.get(name) ?? UNKNOWN
    const annotations = this.#parts.annotationsOf(name) ?? listed.annotations
    const { headers } = listed
    const kept = this.#kept.get(name)
    if (kept?.annotations === annotations && kept?.headers === headers) return kept.policy
    const policy = this.#policy(name, annotations, headers)
    // Clients choose names: only those of tools are kept.
    if (annotations !== undefined || headers.length > 0 || this.#options.has(name)) {
      this.#kept.set(name, { annotations, headers, policy })
    }
    return policy
  }

  #policy(name: string, annotations: unknown, headers: readonly ParamHeader[]): Policy {
    const { readOnlyHint, idempotentHint } = isObject(annotations) ? annotations : {}
    const { requiredScopes, readOnly, idempotent, durable, version, task } = this.#options.get(name) ?? {}
    const reads = readOnly ?? readOnlyHint === true
    const isDurable = durable === true
    const runsAgain = reads || isDurable || (idempotent ?? idempotentHint === true)
    if (!runsAgain && requiredScopes === undefined && headers.length === 0 && task === undefined) return NO_POLICY
    const tasks = task === undefined ? undefined : taskPolicy(`tools[${JSON.stringify(name)}]`, task, undefined)
    return {
      scopes: requiredScopes ?? [],
      runsAgain,
      ...(reads && { reads: true as const }),
      ...(isDurable && { durable: true as const }),
      ...(tasks && { task: tasks }),
      ...(isDurable && this.#versionOf(name, version)),
      paramHeaders: headers,
    }
  }

  #versionOf(name: string, given: string | undefined): { version?: string } {
    if (given !== undefined) return { version: given }
    const source = this.#parts.sourceOf?.(name)
    return source === undefined ? {} : { version: digest(source, 9) }
  }

  /** A tool that was begun may be begun again where it asks its client. */
  mayReplay(method: string, params: JsonObject | undefined): boolean {
    return this.of(method, params).runsAgain
  }

  /** A tool of a list, which says whether its calls may be tasks of the endpoint. The SDK's own tasks live in one process. */
  withTasks(item: unknown): unknown {
    if (!this.tasks || !isObject(item)) return item
    const { execution: _, ...tool } = item
    const { task } = typeof tool.name === 'string' ? this.of('tools/call', { name: tool.name }) : {}
    return task ? { ...tool, execution: { taskSupport: task.support } } : tool
  }

  /** Whether the server, one of its lists or an option has named the tool. */
  knows(name: string): boolean {
    return this.#parts.hasTool?.(name) || this.#listed.has(name) || this.#options.has(name)
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
      if (!this.#faulty.has(String(name))) this.#parts.report(asError(error))
      this.#faulty.add(String(name))
      return UNKNOWN.headers
    }
  }

  /** Whether the tool exists for the caller. */
  isVisible(name: string, caller: Caller): boolean {
    const tool = this.#limited.get(name)
    return tool === undefined || isVisible(tool, caller, this.#parts.report)
  }

  /** Whether the tool is listed for the caller. */
  isListed(name: unknown, caller: Caller): boolean {
    const tool = typeof name === 'string' ? this.#limited.get(name) : undefined
    return tool === undefined || this.#lists(tool, caller)
  }

  /** A text that is the same for callers with the same list. */
  viewOf(caller: Caller): string {
    let view = ''
    for (const tool of this.#limited.values()) view += this.#lists(tool, caller) ? '1' : '0'
    return view
  }

  #lists(tool: Limited, caller: Caller): boolean {
    return hasScopes(caller.auth, tool.scopes) && isVisible(tool, caller, this.#parts.report)
  }
}
