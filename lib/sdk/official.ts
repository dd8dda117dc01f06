/**
 * Servers of the official SDK, `@modelcontextprotocol/sdk` 1.x and `@modelcontextprotocol/server` 2.x, recognised by their
 * methods. This file belongs to every start; what serves them is loaded where there is such a server.
 */
import { OnDemand } from '../base/on-demand.ts'
import { METHODS } from '../protocol/methods.ts'
import type { Dispatcher, DispatcherHost } from '../server/dispatcher.ts'
import type { OfficialOptions } from './options.ts'

/** An `McpServer` or a low-level `Server` of the official SDK, of either line. */
export interface OfficialServer {
  connect(transport: never): Promise<void>
  close(): Promise<void>
}

/** The caller as the official SDK describes it. */
export interface OfficialAuthInfo {
  token: string
  clientId: string
  scopes: string[]
  expiresAt?: number
  resource?: URL
  extra?: Record<string, unknown>
}

/** What a factory gets: the context of `createMcpHandler`. Where the instance is for several requests, that of the first. */
export interface OfficialFactoryContext {
  /** Instances are served as those of the 2025 revisions, whose asks the endpoint translates for clients of newer ones. */
  era: 'legacy'
  authInfo?: OfficialAuthInfo
  requestInfo?: Request
}

export type OfficialFactory = (context: OfficialFactoryContext) => OfficialServer | Promise<OfficialServer>

/** True for a server of the official SDK, and for a function, which must return one. */
export function isOfficial(server: object): server is OfficialServer | OfficialFactory {
  return typeof server === 'function' || (!('dispatch' in server) && !('registry' in server) && 'connect' in server)
}

/** The dispatcher of a server of the official SDK. It can be used once it is open. */
export function officialDispatcher(server: OfficialServer | OfficialFactory, options: OfficialOptions): Dispatcher {
  const hosts: DispatcherHost[] = []
  const code = new OnDemand(async () => (await import('./open.ts')).openOfficial(server, options, hosts))
  const opened = () => {
    if (!code.now) throw new Error('The server is not open yet.')
    return code.now.dispatcher
  }
  return {
    methods: METHODS,
    scopes: new Set(Object.values(options.tools ?? {}).flatMap(({ requiredScopes = [] }) => requiredScopes)),
    async open(host) {
      if (!hosts.includes(host)) hosts.push(host)
      return (await code.load()).notes
    },
    dispatch: (method, params, channel) => opened().dispatch(method, params, channel),
    describe: (revision, offer) => opened().describe(revision, offer),
    policyOf: (method, params) => opened().policyOf(method, params),
  }
}
