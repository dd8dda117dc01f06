/** The dispatcher of an open server of the official SDK. */
import { randomId } from '../base/ids.ts'
import { downgradeCapabilities, downgradeImplementation } from '../protocol/downgrade.ts'
import { ErrorCode, invalidRequest, ProtocolError } from '../protocol/errors.ts'
import { isObject, type JsonObject, type Result } from '../protocol/jsonrpc.ts'
import { METHODS } from '../protocol/methods.ts'
import type { Revision } from '../protocol/revisions.ts'
import type { ServerCapabilities } from '../protocol/types.ts'
import { type ClientChannel, channelFor } from '../server/context/client-channel.ts'
import { type Description, type Dispatcher, missingScopes, type Offer } from '../server/dispatcher.ts'
import { callerOf } from '../server/registry/visibility.ts'
import type { OfficialInstance } from './instance.ts'
import type { Policies } from './policies.ts'
import type { OwnDescription } from './private.ts'
import { NOT_KEPT } from './results.ts'

/** An instance of a server, as it answers requests. */
type Serving = Pick<OfficialInstance, 'serve'>

interface DispatcherParts {
  own: OwnDescription
  policies: Policies
  /** Runs `work` with the instance for a request. */
  use(channel: ClientChannel, work: (instance: Serving) => Result | Promise<Result>): Result | Promise<Result>
}

export function dispatcherFor({ own, policies, use }: DispatcherParts): Dispatcher {
  const descriptions = new Map<string, Description>()
  const dispatcher: Dispatcher = {
    methods: METHODS,
    scopes: policies.scopes,
    hides: policies.hides,
    dispatch(method, params, channel) {
      // HTTP refused the request before, with a challenge. A call that another instance runs again did not pass there.
      const caller = policies.hides ? callerOf(channel) : undefined
      if (missingScopes(dispatcher, channel.auth, method, params, caller)) {
        throw invalidRequest('The token lacks scopes that this request needs.')
      }
      // Tasks of the SDK live in one process; the capability is not announced.
      if (method.startsWith('tasks/')) {
        throw new ProtocolError(ErrorCode.MethodNotFound, `This server has no method "${method}".`)
      }
      const row = METHODS.get(method)
      const limited = channelFor(method, row, channel)
      const name = method === 'tools/call' ? params?.name : undefined
      if (caller && typeof name === 'string' && !policies.isVisible(name, caller)) {
        return use(channel, (instance) => answerAsUnknown(instance, name, params, limited))
      }
      const runsAgain = row?.runsAgain === 'always' || policies.of(method, params).runsAgain
      return use(channel, (instance) => instance.serve(method, params, limited, runsAgain))
    },
    describe(revision, offer) {
      const key = `${revision} ${offer.listChanged} ${offer.subscribe} ${offer.logging}`
      const known = descriptions.get(key) ?? describe(own, revision, offer)
      descriptions.set(key, known)
      return known
    },
    policyOf: (method, params, caller) => policies.of(method, params, caller),
  }
  return dispatcher
}

/**
 * The answer of the server for a name that it does not have: each release, and each author of a low-level server, words it
 * otherwise, and a tool that is hidden must not differ from one that does not exist.
 */
async function answerAsUnknown(
  instance: Serving,
  name: string,
  params: JsonObject | undefined,
  channel: ClientChannel,
): Promise<Result> {
  const other = `unknown-${randomId(16)}`
  const renamed = (text: string) => text.replaceAll(other, () => JSON.stringify(name).slice(1, -1))
  try {
    const result = await instance.serve('tools/call', { ...params, name: other }, channel, false)
    return JSON.parse(renamed(JSON.stringify(result)))
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new ProtocolError(
      error.code,
      error.message.replaceAll(other, () => name),
      error.data,
    )
  }
}

function describe({ info, capabilities, instructions }: OwnDescription, revision: Revision, offer: Offer): Description {
  return {
    revision,
    info: downgradeImplementation(info, revision),
    capabilities: downgradeCapabilities(offered(capabilities, offer), revision),
    instructions,
    cacheHint: NOT_KEPT,
  }
}

/** What the server declares, without what the endpoint cannot deliver. */
function offered(declared: ServerCapabilities, { listChanged, subscribe, logging }: Offer): ServerCapabilities {
  const { tasks: _tasks, logging: logs, ...capabilities }: JsonObject = declared
  if (logs && logging) capabilities.logging = logs
  for (const list of ['tools', 'prompts', 'resources']) {
    const own = capabilities[list]
    if (!isObject(own)) continue
    const { listChanged: changes, subscribe: subscribes, ...others } = own
    capabilities[list] = {
      ...others,
      ...(changes && listChanged ? { listChanged: changes } : {}),
      ...(subscribes && subscribe ? { subscribe: subscribes } : {}),
    }
  }
  return capabilities
}
