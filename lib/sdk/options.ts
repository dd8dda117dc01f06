/** Options of servers of the official SDK: what their registrations cannot say. */
import { isObject } from '../protocol/jsonrpc.ts'
import type { Caller } from '../server/registry/config.ts'
import { type TaskOptions, taskPolicy } from '../server/registry/task-policy.ts'
import { requireVisible } from '../server/registry/visibility.ts'

/** What the endpoint should know of a tool that the official SDK registered. */
export interface OfficialToolOptions {
  /** OAuth scopes that a caller needs. The tool is neither listed nor served to a caller that lacks one of them. */
  requiredScopes?: readonly string[] | undefined
  /** Whether the tool exists for a caller; for others it is neither listed nor served. It must return `true` or `false`. */
  visible?: ((caller: Caller) => boolean) | undefined
  /** The tool has no effect, so that another instance may run it again. Default: its `readOnlyHint`. */
  readOnly?: boolean | undefined
  /** A second run with the same arguments has no further effect. Default: its `idempotentHint`. */
  idempotent?: boolean | undefined
  /**
   * The handler may run again from its start at any moment: all that has an effect is in `once` of this package, or may be done twice.
   * Then any instance runs it again with the answers so far: after a death or a shutdown, with the answer of a client of 2026-07-28,
   * and where the call was suspended while it waited for an answer.
   */
  durable?: boolean | undefined
  /**
   * Calls of the tool may, or must, be tasks (2026-07-28). A tool that asks its client in a task needs `readOnly` or `durable`, since it
   * is run again with the answer.
   */
  task?: TaskOptions['support'] | Omit<TaskOptions, 'start'> | undefined
  /** Of the handler of a durable tool. Default: a digest of its source, where an `McpServer` has registered it. */
  version?: string | undefined
}

/**
 * Which instance of the server answers a request:
 * - `shared`: one for all clients of this process;
 * - `session`: one for each session and process, made by the factory; requests without a session get one of their own;
 * - `call`: one for each request;
 * - a function: one for each text that it returns of the caller.
 */
export type Instances = 'shared' | 'session' | 'call' | ((caller: Caller) => string)

export interface OfficialOptions {
  /**
   * Default: `shared`, and `session` for a factory whose servers keep one client's state or that takes the request's context.
   * All but `shared` need a factory.
   */
  instances?: Instances | undefined
  /**
   * How the client of a message is found that names no request (`server.server.elicitInput()` and the like). `context`: it is
   * the client of the call in whose async context the message is sent, while that call runs. `strict`: such messages are not
   * sent. Default: `context`.
   */
  attribution?: 'context' | 'strict' | undefined
  /** By the name of the tool. */
  tools?: { readonly [name: string]: OfficialToolOptions } | undefined
}

const KINDS: readonly unknown[] = ['shared', 'session', 'call']
const TOOL_OPTIONS = ['requiredScopes', 'visible', 'readOnly', 'idempotent', 'durable', 'version', 'task']

/** @throws TypeError with one line for an option that cannot work */
export function requireOfficialOptions({ instances, attribution, tools = {} }: OfficialOptions): void {
  if (instances !== undefined && typeof instances !== 'function' && !KINDS.includes(instances)) {
    throw new TypeError(`instances must be "shared", "session", "call" or a function, not ${shown(instances)}.`)
  }
  if (attribution !== undefined && attribution !== 'context' && attribution !== 'strict') {
    throw new TypeError(`attribution must be "context" or "strict", not ${shown(attribution)}.`)
  }
  for (const [name, tool] of Object.entries(tools)) requireToolOptions(`tools[${JSON.stringify(name)}]`, tool)
}

function requireToolOptions(place: string, tool: unknown): asserts tool is OfficialToolOptions {
  if (!isObject(tool)) throw new TypeError(`${place} must be an object of options, not ${shown(tool)}.`)
  for (const member of Object.keys(tool)) {
    if (TOOL_OPTIONS.includes(member)) continue
    throw new TypeError(`${place} has no option ${member}; there are ${TOOL_OPTIONS.join(', ')}.`)
  }
  const { requiredScopes, visible, readOnly, idempotent, durable, version } = tool
  if (version !== undefined && (typeof version !== 'string' || version === '')) {
    throw new TypeError(`${place}.version must be a text, not ${shown(version)}.`)
  }
  if (durable === false && (readOnly === true || idempotent === true)) {
    const mark = readOnly === true ? 'readOnly' : 'idempotent'
    throw new TypeError(
      `${place}: durable is false, and ${mark} has the tool run again all the same. Leave durable out, or ${mark}.`,
    )
  }
  const areScopes = requiredScopes === undefined || isTexts(requiredScopes)
  if (!areScopes) throw new TypeError(`${place}.requiredScopes must be an array of texts.`)
  requireVisible(visible, place)
  const policy = tool.task === undefined ? undefined : taskPolicy(place, tool.task, undefined)
  if (policy?.start === 'handler')
    throw new TypeError(`${place}: task.start must be "call": a handler of the official SDK has no ctx.task().`)
  for (const [member, value] of Object.entries({ readOnly, idempotent, durable })) {
    if (value === undefined || typeof value === 'boolean') continue
    throw new TypeError(`${place}.${member} must be true or false, not ${shown(value)}.`)
  }
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === 'string')
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? String(value)
}

/**
 * A name that is misspelled would leave a tool open that should need a scope.
 *
 * @param owner of the tools, in the error
 * @throws TypeError
 */
export function requireKnownTools(tools: object, known: readonly string[], owner: string): void {
  const unknown = Object.keys(tools).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new TypeError(
    `tools names ${JSON.stringify(unknown)}, and ${owner} has no such tool. It has ${known.join(', ')}.`,
  )
}
