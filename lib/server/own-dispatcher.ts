/** The dispatcher of our own `McpServer`: its registry answers the methods of the protocol. */
import { downgradeCapabilities, downgradeImplementation } from '../protocol/downgrade.ts'
import { ErrorCode, invalidRequest, ProtocolError } from '../protocol/errors.ts'
import type { JsonObject, Result } from '../protocol/jsonrpc.ts'
import { METHODS } from '../protocol/methods.ts'
import type { Revision } from '../protocol/revisions.ts'
import type { ServerCapabilities } from '../protocol/types.ts'
import { type ClientChannel, channelFor } from './context/client-channel.ts'
import { type Description, type Dispatcher, missingScopes, type Offer } from './dispatcher.ts'
import type { McpServer } from './mcp-server.ts'
import { HANDLERS } from './methods/handlers.ts'
import { type Policy, policyOf } from './registry/policy.ts'

/** The dispatcher of a server. A dispatcher is returned as it is. */
export function dispatcherOf(server: McpServer | Dispatcher): Dispatcher {
  return 'dispatch' in server ? server : new OwnDispatcher(server)
}

class OwnDispatcher implements Dispatcher {
  readonly methods = METHODS
  readonly scopes: ReadonlySet<string>
  readonly #server: McpServer
  readonly #descriptions = new Map<string, Description>()

  constructor(server: McpServer) {
    this.#server = server
    this.scopes = server.registry.scopes
  }

  dispatch(method: string, params: JsonObject | undefined, channel: ClientChannel): Result | Promise<Result> {
    // HTTP refused the request before, with a challenge. A call that another instance runs again did not pass there.
    if (missingScopes(this, channel.auth, method, params)) {
      throw invalidRequest('The token lacks scopes that this request needs.')
    }
    const { registry } = this.#server
    const handler = HANDLERS.get(method)
    if (!handler?.has(registry)) {
      throw new ProtocolError(ErrorCode.MethodNotFound, `This server has no method "${method}".`)
    }
    return handler.run(registry, params, channelFor(method, METHODS.get(method), channel))
  }

  describe(revision: Revision, offer: Offer): Description {
    // Entries are only ever added: with the same number of entries the description is the same.
    const key = `${revision} ${offer.listChanged} ${offer.subscribe} ${offer.logging} ${this.#server.registry.size}`
    const kept = this.#descriptions.get(key) ?? this.#describe(revision, offer)
    this.#descriptions.set(key, kept)
    return kept
  }

  #describe(revision: Revision, offer: Offer): Description {
    const { registry, info, instructions } = this.#server
    const listChanged = offer.listChanged ? { listChanged: true } : {}
    const capabilities: ServerCapabilities = { ...this.#server.capabilities }
    if (offer.logging) capabilities.logging = {}
    if (registry.tools.size > 0) capabilities.tools = listChanged
    if (registry.prompts.size > 0) capabilities.prompts = listChanged
    if (registry.hasResources)
      capabilities.resources = offer.subscribe ? { ...listChanged, subscribe: true } : listChanged
    if (registry.hasCompletions) capabilities.completions = {}
    return {
      revision,
      info: downgradeImplementation(info, revision),
      capabilities: downgradeCapabilities(capabilities, revision),
      instructions,
      cacheHint: registry.cacheHint('server/discover', 60_000, []),
    }
  }

  policyOf(method: string, params: JsonObject | undefined): Policy {
    return policyOf(this.#server.registry, METHODS.get(method)?.about, params)
  }
}
