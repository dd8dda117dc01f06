/** The dispatcher of an open server of the official SDK. */
import { randomId } from '../base/ids.ts'
import { downgradeCapabilities, downgradeImplementation } from '../protocol/downgrade.ts'
import { ErrorCode, invalidRequest, ProtocolError } from '../protocol/errors.ts'
import { isObject, type JsonObject, type Result } from '../protocol/jsonrpc.ts'
import { TASKS_EXTENSION } from '../protocol/meta.ts'
import { METHODS } from '../protocol/methods.ts'
import type { Revision } from '../protocol/revisions.ts'
import type { ServerCapabilities } from '../protocol/types.ts'
import { type ClientChannel, channelFor } from '../server/context/client-channel.ts'
import { type Description, type Dispatcher, missingScopes, type Offer } from '../server/dispatcher.ts'
import { callerOf } from '../server/registry/visibility.ts'
import type { OfficialInstance } from './instance.ts'
import { notificationMethods, ROOTS_CHANGED } from './notifications.ts'
import type { Instances } from './options.ts'
import type { Policies } from './policies.ts'
import { handles, type LowLevel, type OwnDescription } from './private.ts'
import { NOT_KEPT } from './results.ts'

/** An instance of a server, as it answers requests. */
type Serving = Pick<OfficialInstance, 'serve'>

interface BaseParts<Instance extends Serving> {
  own: OwnDescription
  policies: Policies
  /** Runs `work` with the instance for a request. */
  use(channel: ClientChannel, work: Work<Instance>): Result | Promise<Result>
}

interface DispatcherParts extends BaseParts<OfficialInstance> {
  /** The server, or the first one that a factory made. */
  model: LowLevel
  kind: Instances
  /** The instance that has a session's client, where this process has it. */
  ofSession(sessionId: string): OfficialInstance | undefined
}

/** What is done with the instance for a request. */
export type Work<Instance extends Serving = OfficialInstance> = (instance: Instance) => Result | Promise<Result>

export function dispatcherFor({ model, kind, ofSession, ...base }: DispatcherParts): Dispatcher {
  return {
    ...baseDispatcher(base),
    handles: (method) => handles(model, method),
    keeps: (method) => keeps(model, kind, method),
    heard(method, params, { session, kept }) {
      if (!isForServer(method)) return
      const heard = { id: kept ?? randomId(9), method, ...(params && { params }) }
      ofSession(session.id)?.hear(heard, session.id)
    },
  }
}

/** The common part of dispatchers of servers that were written for the official SDK, wherever these run. */
export function baseDispatcher<Instance extends Serving>({ own, policies, use }: BaseParts<Instance>): Dispatcher {
  const descriptions = new Map<string, Description>()
  const dispatcher: Dispatcher = {
    methods: METHODS,
    scopes: policies.scopes,
    hides: policies.hides,
    tasks: policies.tasks,
    dispatch(method, params, channel) {
      // HTTP refused the request before, with a challenge. A call that another instance runs again did not pass there.
      const caller = policies.hides ? callerOf(channel) : undefined
      if (missingScopes(dispatcher, channel.auth, method, params, caller)) {
        throw invalidRequest('The token lacks scopes that this request needs.')
      }
      // Tasks of the SDK live in one process; the capability is not announced.
      if (method.startsWith('tasks/') || isOfEndpoint(method, channel)) {
        throw new ProtocolError(ErrorCode.MethodNotFound, `This server has no method "${method}".`)
      }
      const row = METHODS.get(method)
      // The endpoint has done its part of what belongs to the session. These handlers may have to introduce their client first.
      const limited = row?.servedBy === 'session' ? channel : channelFor(method, row, channel)
      const name = method === 'tools/call' ? params?.name : undefined
      if (caller && typeof name === 'string' && !policies.isVisible(name, caller)) {
        return use(channel, (instance) => answerAsUnknown(instance, name, params, limited))
      }
      const mayReplay = row?.runsAgain === 'always' || policies.mayReplay(method, params)
      return use(channel, (instance) => instance.serve(method, params, limited, mayReplay))
    },
    describe(revision, offer) {
      const key = `${revision} ${offer.listChanged} ${offer.subscribe} ${offer.logging} ${offer.tasks}`
      const known = descriptions.get(key) ?? describe(own, revision, offer, policies.tasks)
      descriptions.set(key, known)
      return known
    },
    policyOf: (method, params, caller) => policies.of(method, params, caller),
    knows: (kind, name) => kind === 'tool' && policies.knows(name),
  }
  return dispatcher
}

/** The endpoint answers it, or nobody does: such as a method of sessions where there is no session. The SDK has handlers for these. */
function isOfEndpoint(method: string, { sessionId }: ClientChannel): boolean {
  const servedBy = METHODS.get(method)?.servedBy
  return servedBy === 'stateless' || (servedBy === 'session' && sessionId === undefined)
}

/** Notifications that are the endpoint's, or that each instance of a session gets when it is made. */
const NOT_HEARD = ['notifications/initialized', 'notifications/cancelled', 'notifications/progress']

function isForServer(method: string): boolean {
  return method.startsWith('notifications/') && !NOT_HEARD.includes(method)
}

/** A shared instance has no client whose other processes it could follow. */
function keeps(model: LowLevel, kind: Instances, method: string): boolean {
  if (!isForServer(method) || (kind !== 'session' && kind !== 'call')) return false
  // Some servers begin to handle changed roots when they are initialized.
  return method === ROOTS_CHANGED || notificationMethods(model).includes(method)
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

function describe(
  { info, capabilities, instructions }: OwnDescription,
  revision: Revision,
  offer: Offer,
  tasks: boolean,
): Description {
  return {
    revision,
    info: downgradeImplementation(info, revision),
    capabilities: downgradeCapabilities(offered(capabilities, offer, tasks), revision),
    instructions,
    cacheHint: NOT_KEPT,
  }
}

/** What the server declares, without what the endpoint cannot deliver. */
function offered(
  declared: ServerCapabilities,
  { listChanged, subscribe, logging, tasks: kept = false }: Offer,
  tasks: boolean,
): ServerCapabilities {
  const { tasks: _tasks, logging: logs, ...capabilities }: JsonObject = declared
  if (logs && logging) capabilities.logging = logs
  if (tasks && kept) {
    capabilities.tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } }
    const own = isObject(capabilities.extensions) ? capabilities.extensions : {}
    capabilities.extensions = { ...own, [TASKS_EXTENSION]: {} }
  }
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
