/**
 * Servers of the official SDK, `@modelcontextprotocol/sdk` 1.x and `@modelcontextprotocol/server` 2.x, recognised by their
 * methods. This file belongs to every start; what serves them is loaded where there is such a server.
 */
import { OnDemand } from '../base/on-demand.ts'
import { METHODS } from '../protocol/methods.ts'
import type { Instance } from '../runtime/instance.ts'
import type { MemberDispatcher } from '../runtime/member.ts'
import type { OfficialAuthInfo } from '../server/context/official-types.ts'
import type { Dispatcher } from '../server/dispatcher.ts'
import type { McpServer } from '../server/mcp-server.ts'
import { dispatcherOf } from '../server/own-dispatcher.ts'
import type { Announcement } from '../server/registry/announcement.ts'
import { noServer } from './no-server.ts'
import type { OfficialOptions, OfficialToolOptions } from './options.ts'

/** An `McpServer` or a low-level `Server` of the official SDK, of either line. */
export interface OfficialServer {
  connect(transport: never): Promise<void>
  close(): Promise<void>
}

/** What a factory gets: the context of `createMcpHandler`. Where the instance is for several requests, that of the first. */
export interface OfficialFactoryContext {
  /** Instances are served as those of the 2025 revisions, whose asks the endpoint translates for clients of newer ones. */
  era: 'legacy'
  authInfo?: OfficialAuthInfo
  requestInfo?: Request
}

export type OfficialFactory = (context: OfficialFactoryContext) => OfficialServer | Promise<OfficialServer>

/** What a server of the official SDK makes known beside its answers. */
export interface Listeners {
  changes: Set<(change: Announcement) => void>
  reports: Set<(error: Error) => void>
  /** Each announces that the user is done with a page. */
  completions: Set<(elicitationId: string) => Promise<unknown>>
  /** The instance of the endpoint. */
  home: Instance | undefined
}

/** What can be served: a server of this package, its dispatcher, or a server of the official SDK or what makes one. */
export type Servable = McpServer | Dispatcher | OfficialServer | OfficialFactory

/** True for a server of the official SDK, and for a function, which must return one. */
export function isOfficial(server: object): server is OfficialServer | OfficialFactory {
  return typeof server === 'function' || (!('dispatch' in server) && !('registry' in server) && 'connect' in server)
}

/**
 * The dispatcher of what can be served. That of a server of the official SDK can be used once it is open.
 *
 * @throws TypeError with one line for what is no server, and for an option that is for servers of the official SDK alone
 */
export function dispatcherFor(server: Servable, { instances, attribution, tools }: OfficialOptions = {}): Dispatcher {
  requireServable(server)
  if (isOfficial(server)) {
    const options = { instances, attribution, tools }
    return officialDispatcher(options, async () => [server, options])
  }
  const [given] = Object.entries({ instances, attribution, tools }).find(([, value]) => value !== undefined) ?? []
  if (given === undefined) return dispatcherOf(server)
  throw noServer(server, given)
}

function requireServable(server: unknown): void {
  const isObject = typeof server === 'object' && server !== null
  if (typeof server === 'function') return
  if (!isObject || !['dispatch', 'registry', 'connect'].some((name) => name in server)) throw noServer(server)
}

/**
 * The dispatcher of a server that is there when it is opened.
 *
 * @param options those that are known before: `tools`
 * @param load called once, and again where it failed; returns the server and its options
 */
export function officialDispatcher(
  options: OfficialOptions,
  load: () => Promise<[OfficialServer | OfficialFactory, OfficialOptions]>,
): MemberDispatcher {
  const listeners: Listeners = { changes: new Set(), reports: new Set(), completions: new Set(), home: undefined }
  const code = new OnDemand(async () => (await import('./open.ts')).openOfficial(...(await load()), listeners))
  const opened = () => openedOr(code.now?.dispatcher)
  return {
    ...untilOpen(options.tools, opened),
    join(instance) {
      listeners.home = instance
    },
    async open(completed) {
      listeners.completions.add(completed)
      return (await code.load()).notes
    },
    handles: (method) => opened().handles?.(method) === true,
    keeps: (method) => opened().keeps?.(method) === true,
    heard: (method, params, hearing) => opened().heard?.(method, params, hearing),
    reportTo: (report) => void listeners.reports.add(report),
    onChange(listener) {
      listeners.changes.add(listener)
      return () => void listeners.changes.delete(listener)
    },
  }
}

/** @throws Error where the server is not open */
export function openedOr(dispatcher: Dispatcher | undefined): Dispatcher {
  if (!dispatcher) throw new Error('The server is not open yet.')
  return dispatcher
}

/** The members of a dispatcher whose server is there when it is opened. `opened` throws before that. */
export function untilOpen(options: OfficialOptions['tools'], opened: () => Dispatcher) {
  // They are checked when the server is opened.
  const tools = Object.values<Partial<OfficialToolOptions> | null>(options ?? {}).map((tool) => tool ?? {})
  return {
    methods: METHODS,
    scopes: new Set(tools.flatMap(({ requiredScopes = [] }) => requiredScopes)),
    hides: tools.some(({ visible }) => visible !== undefined),
    tasks: tools.some(({ task }) => task !== undefined),
    waits: true,
    dispatch: (method, params, channel) => opened().dispatch(method, params, channel),
    describe: (revision, offer) => opened().describe(revision, offer),
    policyOf: (method, params, caller) => opened().policyOf(method, params, caller),
    knows: (kind, name) => opened().knows?.(kind, name) === true,
  } satisfies Dispatcher
}
