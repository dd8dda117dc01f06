/**
 * The private members of the official SDK that are used here, and no others: every other file uses its public methods. Where a
 * release lacks one of them, what it is for goes another way, which is slower.
 */
import { isObject, type JsonObject, type RequestId } from '../protocol/jsonrpc.ts'
import type { ClientCapabilities, Implementation, ServerCapabilities } from '../protocol/types.ts'

/** The options that the SDK gives with a message. */
export interface SendOptions {
  relatedRequestId?: RequestId | undefined
}

/** A transport as the SDK uses it. */
export interface Transport {
  onmessage?: ((message: JsonObject, extra?: JsonObject) => void) | undefined
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  readonly sessionId?: string | undefined
  start(): Promise<void>
  send(message: JsonObject, options?: SendOptions): Promise<void>
  close(): Promise<void>
}

type RequestHandler = (request: JsonObject, extra: object) => unknown

/** The public surface of a low-level `Server` of both lines, as far as it is used here. */
export interface LowLevel {
  connect(transport: Transport): Promise<void>
  close(): Promise<void>
  readonly transport?: unknown
  oninitialized?: unknown
  fallbackRequestHandler?: RequestHandler | undefined
  fallbackNotificationHandler?: unknown
  assertCanSetRequestHandler?(method: string): void
  request(request: object, schema?: unknown, options?: object): Promise<unknown>
  notification(notification: object, options?: object): Promise<void>
  elicitInput?(params: object, options?: object): Promise<unknown>
  createMessage?(params: object, options?: object): Promise<unknown>
}

/** The releases of `@modelcontextprotocol/sdk` (1) and of `@modelcontextprotocol/server` (2). */
export type Line = 1 | 2

/** A tool as an `McpServer` of either line registers it. */
interface RegisteredTool {
  enabled?: unknown
  annotations?: unknown
  /** 2.x, and 1.x since 1.25. */
  handler?: unknown
  /** 1.x before that. */
  callback?: unknown
}

const member = (object: object, name: string): unknown => Reflect.get(object, name)
const isFunction = (value: unknown): value is (...args: never[]) => unknown => typeof value === 'function'

/** The low-level server of what an author gave: itself, or that of an `McpServer`. Undefined: it is no server of the SDK. */
export function lowLevelOf(server: unknown): LowLevel | undefined {
  if (typeof server !== 'object' || server === null) return undefined
  const low = 'setRequestHandler' in server ? server : member(server, 'server')
  if (typeof low !== 'object' || low === null) return undefined
  const isLow = ['connect', 'setRequestHandler', 'request', 'notification'].every((name) =>
    isFunction(member(low, name)),
  )
  return isLow ? (low as LowLevel) : undefined
}

export function lineOf(server: LowLevel): Line {
  return isFunction(member(server, 'buildContext')) ? 2 : 1
}

/** A server as it describes itself. */
export interface OwnDescription {
  info: Implementation
  capabilities: ServerCapabilities
  instructions: string | undefined
}

/** Undefined: this release keeps it elsewhere, and `initialize` has it. */
export function ownDescription(server: LowLevel): OwnDescription | undefined {
  const info = member(server, '_serverInfo')
  const capabilities = member(server, '_capabilities')
  const instructions = member(server, '_instructions')
  if (!isObject(info) || !isObject(capabilities)) return undefined
  return {
    info: info as Implementation,
    capabilities,
    instructions: typeof instructions === 'string' ? instructions : undefined,
  }
}

/** The member that keeps the state of one client, as a predicate of the server; undefined where there is none. */
export function clientState(server: LowLevel): string | undefined {
  if (isFunction(server.oninitialized)) return 'sets oninitialized'
  const onRoots = notificationHandlers(server)?.has('notifications/roots/list_changed')
  return onRoots ? 'handles notifications/roots/list_changed' : undefined
}

/** The server has a handler of its own for a method. */
export function handles(server: LowLevel, method: string): boolean {
  try {
    server.assertCanSetRequestHandler?.(method)
    return false
  } catch {
    return true
  }
}

/** The handlers of notifications by method. Undefined: this release keeps them elsewhere. */
export function notificationHandlers(server: LowLevel): Map<unknown, unknown> | undefined {
  const handlers = member(server, '_notificationHandlers')
  return handlers instanceof Map ? handlers : undefined
}

/** The SDK keeps the log level of each session for ever. The endpoint keeps it, too. */
export function forgetLevel(server: LowLevel, sessionId: string | undefined): void {
  const levels = member(server, '_loggingLevels')
  if (levels instanceof Map) levels.delete(sessionId)
}

/** How the server's handlers are called: without the messages of a transport, where this release has the members for it. */
export interface DirectCalls {
  /** The handler of a method; undefined where there is none. */
  handler(method: string): RequestHandler | undefined
  /** 2.x: completes the context of a handler. */
  context(base: JsonObject): object
}

/** Undefined: this release keeps its handlers elsewhere, so requests go through a transport. */
export function directCalls(server: LowLevel): DirectCalls | undefined {
  const handlers = member(server, '_requestHandlers')
  if (!(handlers instanceof Map)) return undefined
  const build = member(server, 'buildContext')
  return {
    handler: (method) => (handlers.get(method) as RequestHandler | undefined) ?? server.fallbackRequestHandler,
    context: (base) => (isFunction(build) ? (Reflect.apply(build, server, [base, undefined]) as object) : base),
  }
}

/** The client of a call, as the SDK keeps that of a connection. */
export interface ClientState {
  capabilities: ClientCapabilities
  info: Implementation | undefined
  /** The revision as the SDK knows it. */
  version: string
}

/**
 * From now on what the server knows of its client is what it knows of the caller.
 *
 * @param caller the caller at this moment; undefined outside of a call, where it is what `initialize` left
 */
export function followCaller(server: LowLevel, line: Line, caller: () => ClientState | undefined): void {
  follow(server, '_clientCapabilities', () => caller()?.capabilities)
  follow(server, '_clientVersion', () => caller()?.info)
  if (line === 2) follow(server, '_negotiatedProtocolVersion', () => caller()?.version)
}

/**
 * Whether {@link followCaller} has an effect: this release reads what it knows of its client from the members that are replaced.
 * Where it does not, an instance knows one client alone.
 */
export function canFollowCaller(server: LowLevel): boolean {
  const read = member(server, 'getClientCapabilities')
  if (!isFunction(read)) return false
  const name = '_clientCapabilities'
  const own = Object.getOwnPropertyDescriptor(server, name)
  const probe = {}
  Object.defineProperty(server, name, { configurable: true, writable: true, value: probe })
  try {
    return Reflect.apply(read, server, []) === probe
  } finally {
    if (own) Object.defineProperty(server, name, own)
    else Reflect.deleteProperty(server, name)
  }
}

function follow(server: LowLevel, name: string, read: () => unknown): void {
  let own = member(server, name)
  const set = (value: unknown) => {
    own = value
  }
  Object.defineProperty(server, name, { configurable: true, enumerable: true, get: () => read() ?? own, set })
}

/** The tools of an `McpServer` by name. Undefined for a low-level server. */
export function registeredTools(server: object): Readonly<Record<string, RegisteredTool>> | undefined {
  const tools = member(server, '_registeredTools')
  return isObject(tools) ? (tools as Record<string, RegisteredTool>) : undefined
}

/** 2.x: how long clients may keep the results of a method. */
export function ownCacheHint(server: LowLevel, method: string): JsonObject | undefined {
  const hints = member(server, '_cacheHints')
  const hint = isObject(hints) ? hints[method] : undefined
  return isObject(hint) ? hint : undefined
}

/** The lists of an `McpServer`: the member that has the entries, and the method that sets the handlers. */
const REGISTRIES: Readonly<Record<string, readonly [entries: string, setter: string]>> = {
  'tools/list': ['_registeredTools', 'setToolRequestHandlers'],
  'prompts/list': ['_registeredPrompts', 'setPromptRequestHandlers'],
  'resources/list': ['_registeredResources', 'setResourceRequestHandlers'],
  'resources/templates/list': ['_registeredResourceTemplates', 'setResourceRequestHandlers'],
}

/**
 * True where a list of an `McpServer` is made by the SDK's own handler, from the registrations alone: then it is the same for
 * every caller until the server announces a change. An author's handler may list what a caller may see.
 *
 * The SDK's handler reads the registrations first. It is called with registrations that cannot be read, so that nothing else runs
 * of it, and it must reach them by as many calls as the handler of a new server of the same class.
 */
export function listsRegistrations(server: object, method: string): boolean {
  const [entries = '', setter = ''] = REGISTRIES[method] ?? []
  const low = lowLevelOf(server)
  const owner = ownerOf(server, setter)
  if (!low || low === server || !owner || !isFunction(owner.constructor)) return false
  if (method === 'resources/list' && listsTemplates(server)) return false
  const depth = depthOfRead(server, low, method, entries)
  return depth !== undefined && depth === usualDepth(owner.constructor, setter, method, entries)
}

/** The depth in a new server, by class and method. */
const depths = new WeakMap<object, Map<string, number | undefined>>()

function usualDepth(make: () => unknown, setter: string, method: string, entries: string): number | undefined {
  const known = depths.get(make) ?? new Map<string, number | undefined>()
  depths.set(make, known)
  if (known.has(method)) return known.get(method)
  let depth: number | undefined
  try {
    const fresh: object = Reflect.construct(make, [{ name: 'probe', version: '0' }])
    Reflect.apply(member(fresh, setter) as () => void, fresh, [])
    depth = depthOfRead(fresh, lowLevelOf(fresh), method, entries)
  } catch {
    // The class is made in another way: its lists are asked for each time.
  }
  known.set(method, depth)
  return depth
}

/** Templates that list their resources: their functions may look at the caller. */
function listsTemplates(server: object): boolean {
  const templates = member(server, '_registeredResourceTemplates')
  if (!isObject(templates)) return true
  return Object.values(templates).some((entry) => {
    const template = isObject(entry) ? entry.resourceTemplate : undefined
    return typeof template !== 'object' || template === null || member(template, 'listCallback') !== undefined
  })
}

/** The prototype that has the method itself: that of the SDK's class, also where the author extends it. */
function ownerOf(server: object, method: string): object | undefined {
  for (let proto: object | null = Object.getPrototypeOf(server); proto; proto = Object.getPrototypeOf(proto)) {
    if (Object.hasOwn(proto, method)) return proto
  }
  return undefined
}

const UNREADABLE = new Error('The registrations are not read now.')

/** How many calls are between this function and the handler's first look at `entries`. Undefined: it does not look at once. */
function depthOfRead(server: object, low: LowLevel | undefined, method: string, entries: string): number | undefined {
  const handler = low && directCalls(low)?.handler(method)
  const own = Object.getOwnPropertyDescriptor(server, entries)
  if (!handler || !own) return undefined
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 200
  const start = stackDepth()
  let depth: number | undefined
  const get = () => {
    depth ??= stackDepth() - start
    throw UNREADABLE
  }
  Object.defineProperty(server, entries, { configurable: true, enumerable: true, get })
  try {
    const result = handler({ method, params: {} }, {})
    if (result instanceof Promise) result.catch(() => {})
  } catch {
    // It is the error from above, or that of an author's handler.
  } finally {
    Object.defineProperty(server, entries, own)
    Error.stackTraceLimit = limit
  }
  return depth
}

function stackDepth(): number {
  return new Error().stack?.split('\n').length ?? 0
}
