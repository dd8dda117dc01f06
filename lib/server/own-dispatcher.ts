/** The dispatcher of our own `McpServer`: its registry answers the methods of the protocol. */
import { downgradeCapabilities, downgradeImplementation } from '../protocol/downgrade.ts'
import { ErrorCode, invalidRequest, ProtocolError } from '../protocol/errors.ts'
import type { Result } from '../protocol/jsonrpc.ts'
import { TASKS_EXTENSION } from '../protocol/meta.ts'
import { METHODS, type ServerMethod } from '../protocol/methods.ts'
import type { Revision } from '../protocol/revisions.ts'
import type { ServerCapabilities } from '../protocol/types.ts'
import { channelFor } from './context/client-channel.ts'
import { type Description, type Dispatcher, missingScopes, type Offer } from './dispatcher.ts'
import type { McpServer } from './mcp-server.ts'
import { HANDLERS } from './methods/handlers.ts'
import { viewerOf } from './methods/method.ts'
import type { MiddlewareRequest } from './methods/middleware.ts'
import { MIDDLEWARE } from './methods/on-demand.ts'
import { policyOf } from './registry/policy.ts'

/** The descriptions for one revision. */
interface Described {
  /** The version of the registry. */
  version: number
  byOffer: (Description | undefined)[]
}

/**
 * The dispatcher of a server. A dispatcher is returned as it is.
 *
 * @throws TypeError for what was registered and cannot be used
 */
export function dispatcherOf(server: McpServer | Dispatcher): Dispatcher {
  if ('dispatch' in server) return server
  const { registry } = server
  registry.compile()
  const descriptions = new Map<Revision, Described>()
  const dispatcher: Dispatcher = {
    methods: METHODS,
    scopes: registry.scopes,
    get hides() {
      return registry.hides
    },
    get tasks() {
      return registry.tasks
    },
    dispatch(method, params, channel) {
      // HTTP refused the request before, with a challenge. A call that another instance runs again did not pass there.
      if (missingScopes(dispatcher, channel.auth, method, params, viewerOf(registry, channel))) {
        throw invalidRequest('The token lacks scopes that this request needs.')
      }
      const handler = HANDLERS.get(method)
      if (!handler?.has(registry)) {
        throw new ProtocolError(ErrorCode.MethodNotFound, `This server has no method "${method}".`)
      }
      const own = channelFor(method, METHODS.get(method), channel)
      if (registry.middleware.length === 0) return handler.run(registry, params, own)
      return throughMiddleware({ registry, method: method as ServerMethod, run: handler.run, params, channel: own })
    },
    describe(revision, offer) {
      let kept = descriptions.get(revision)
      if (kept?.version !== registry.version) {
        kept = { version: registry.version, byOffer: [] }
        descriptions.set(revision, kept)
      }
      const { listChanged, subscribe, logging, tasks = false } = offer
      const at = Number(listChanged) + 2 * Number(subscribe) + 4 * Number(logging) + 8 * Number(tasks)
      kept.byOffer[at] ??= describe(server, revision, offer)
      return kept.byOffer[at]
    },
    policyOf: (method, params, caller) => policyOf(registry, METHODS.get(method)?.about, params, caller),
    knows: (kind, name) => registry[`${kind}s`].has(name),
    shows(uri, caller) {
      const entry = registry.findResource(uri)?.entry
      return entry === undefined || registry.seen(entry, caller) !== undefined
    },
    reportTo(report) {
      registry.report = report
    },
    onChange: (listener) => registry.onChange(listener),
  }
  return dispatcher
}

/** A function of its own: one that holds a function allocates in each call, also where that is not made. */
function throughMiddleware(request: MiddlewareRequest): Promise<Result> {
  return MIDDLEWARE.now?.(request) ?? MIDDLEWARE.load().then((runThrough) => runThrough(request))
}

function describe({ registry, info, instructions, capabilities: own }: McpServer, revision: Revision, offer: Offer) {
  const listChanged = offer.listChanged ? { listChanged: true } : {}
  const { experimental, extensions } = own
  const { tools, prompts, resources, completions } = registry.offered
  const capabilities: ServerCapabilities = {}
  if (experimental !== undefined) capabilities.experimental = experimental
  if (extensions !== undefined) capabilities.extensions = extensions
  if (offer.tasks && registry.tasks) {
    capabilities.tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } }
    capabilities.extensions = { ...extensions, [TASKS_EXTENSION]: {} }
  }
  if (offer.logging) capabilities.logging = {}
  if (tools) capabilities.tools = listChanged
  if (prompts) capabilities.prompts = listChanged
  if (resources) capabilities.resources = offer.subscribe ? { ...listChanged, subscribe: true } : listChanged
  if (completions) capabilities.completions = {}
  return {
    revision,
    info: downgradeImplementation(info, revision),
    capabilities: downgradeCapabilities(capabilities, revision),
    instructions,
    cacheHint: registry.cacheHint('server/discover', 60_000, []),
  }
}
