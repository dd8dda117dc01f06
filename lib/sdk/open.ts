/** Opens a server of the official SDK: decides which instances of it there are, and connects the first one. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { warning } from '../base/errors.ts'
import { isObject, type JsonObject } from '../protocol/jsonrpc.ts'
import { LATEST_SESSION_REVISION } from '../protocol/revisions.ts'
import type { ClientChannel } from '../server/context/client-channel.ts'
import type { Dispatcher } from '../server/dispatcher.ts'
import type { OfficialCall } from './call.ts'
import { descriptionIn } from './description.ts'
import { dispatcherFor, type Work } from './dispatcher.ts'
import { authOf, requestOf } from './extra.ts'
import { type InstanceParts, OfficialInstance } from './instance.ts'
import { InstancePool } from './instances.ts'
import type { Listeners, OfficialFactory, OfficialFactoryContext, OfficialServer } from './official.ts'
import { type Instances, type OfficialOptions, requireKnownTools, requireOfficialOptions } from './options.ts'
import { Policies } from './policies.ts'
import * as sdk from './private.ts'
import { sendToSession } from './session-stream.ts'

/** A server that can be used. */
interface Opened {
  dispatcher: Dispatcher
  /** Sentences for the log of the start: which instances there are, and why. */
  notes: string[]
}

/** What an author gave, or what a factory returned. */
interface Made {
  made: object
  low: sdk.LowLevel
}

/**
 * @param listeners to which the server speaks outside of its answers; further ones may be added
 * @throws TypeError with one line for a server that cannot be served so, and for options that cannot work
 */
export async function openOfficial(
  server: OfficialServer | OfficialFactory,
  options: OfficialOptions,
  listeners: Listeners,
): Promise<Opened> {
  requireOfficialOptions(options)
  const factory = typeof server === 'function' ? server : undefined
  const model = factory ? await make(factory, { era: 'legacy' }) : requireServer(server, 'The server')
  if (model.low.transport) throw new TypeError(CONNECTED)
  const { kind, why } = chooseKind(options.instances, model.low, factory)
  const parts = partsFor(kind, model, options, listeners)
  const { policies, report } = parts
  await learnTools(model, policies)
  requireNamedTools(model, options, policies)
  const own = sdk.ownDescription(model.low) ?? (await describedByProtocol(model.low))
  const name = JSON.stringify(own.info.name)
  const follows = sdk.canFollowCaller(model.low)
  if (!sdk.directCalls(model.low) || !follows) report(warning(slower(name, follows || parts.ownsClient)))
  const notes = [`The official server ${name} has ${INSTANCES[typeof kind === 'function' ? 'key' : kind]}: ${why}.`]
  if (kind === 'shared') {
    const instance = new OfficialInstance(model.made, model.low, parts)
    await instance.connect()
    const shared = { ofSession: () => instance, use: (_channel: ClientChannel, work: Work) => work(instance) }
    return { dispatcher: dispatcherFor({ own, policies, model: model.low, kind, ...shared }), notes }
  }
  const create = requireFactory(factory, kind)
  const pool = new InstancePool({
    kind,
    async make(channel) {
      const { made, low } = await make(create, contextFor(channel))
      if (made === model.made || low.transport) throw new TypeError(SAME)
      const instance = new OfficialInstance(made, low, parts)
      await instance.connect()
      return instance
    },
  })
  const pooled = {
    ofSession: (sessionId: string) => pool.ofSession(sessionId),
    use: (channel: ClientChannel, work: Work) => pool.use(channel, work),
  }
  return { dispatcher: dispatcherFor({ own, policies, model: model.low, kind, ...pooled }), notes }
}

/** What all instances of a server share. */
function partsFor(kind: Instances, { made }: Made, options: OfficialOptions, listeners: Listeners): InstanceParts {
  const report = (error: Error) => {
    for (const listener of listeners.reports) listener(error)
  }
  const ownsClient = kind === 'session' || kind === 'call'
  let asked = ownsClient
  return {
    running: new AsyncLocalStorage<OfficialCall>(),
    policies: new Policies({
      tools: options.tools,
      annotationsOf(name) {
        const tools = sdk.registeredTools(made)
        return tools && Object.hasOwn(tools, name) ? tools[name]?.annotations : undefined
      },
      sourceOf(name) {
        const tools = sdk.registeredTools(made)
        const { handler, callback } = (tools && Object.hasOwn(tools, name) ? tools[name] : undefined) ?? {}
        const own = handler ?? callback
        return typeof own === 'function' ? String(own) : undefined
      },
      hasTool: (name) => Object.hasOwn(sdk.registeredTools(made) ?? {}, name),
      report,
    }),
    strict: options.attribution === 'strict',
    ownsClient,
    askedByContext(method) {
      if (asked) return
      asked = true
      report(warning(askedSoFar(method)))
    },
    announce(change) {
      for (const listener of listeners.changes) listener(change)
    },
    completed: (elicitationId) => Promise.all([...listeners.completions].map((complete) => complete(elicitationId))),
    async sendToSession(key, method, params) {
      if (listeners.home) await sendToSession(listeners.home, key, method, params)
    },
    report,
  }
}

const INSTANCES = {
  shared: 'one instance for all clients of this process',
  session: 'an instance for each session',
  call: 'an instance for each request',
  key: 'an instance for each key',
} as const

const CONNECTED =
  'The server is connected to a transport already. Remove server.connect(…) from its module: the endpoint connects it.'
const OWN =
  'The function returns an McpServer of mcp-anywhere, and a process has one of these for all clients: give the server itself.'
const SAME = 'The factory returns a server that it has returned before. It must make a new one each time.'

/** Which instances there are, and why. @throws TypeError */
function chooseKind(
  chosen: Instances | undefined,
  low: sdk.LowLevel,
  factory: OfficialFactory | undefined,
): { kind: Instances; why: string } {
  if (chosen !== undefined) {
    if (chosen !== 'shared') requireFactory(factory, chosen)
    return { kind: chosen, why: '"instances" says so' }
  }
  const state = sdk.clientState(low)
  if (!factory) {
    if (state === undefined) return { kind: 'shared', why: 'nothing in it is bound to a client' }
    throw new TypeError(
      `The server ${state}, so it keeps the state of one client, and all clients would share it. Export a function that makes ` +
        `the server, which then gives each session its own, or say instances: 'shared'.`,
    )
  }
  if (state !== undefined) return { kind: 'session', why: `it ${state}` }
  if (factory.length > 0) return { kind: 'session', why: 'the factory takes the context of a request' }
  if (!sdk.canFollowCaller(low)) return { kind: 'session', why: 'its release of the official SDK knows one client' }
  return { kind: 'shared', why: 'nothing in it is bound to a client' }
}

function requireFactory(factory: OfficialFactory | undefined, kind: Instances): OfficialFactory {
  if (factory) return factory
  const shown = typeof kind === 'function' ? 'a function' : JSON.stringify(kind)
  throw new TypeError(`instances is ${shown}, which needs a function that makes the server, not the server itself.`)
}

/** @throws TypeError for what is no server of the official SDK */
function requireServer(server: unknown, what: string): Made {
  const low = sdk.lowLevelOf(server)
  if (low) return { made: server as object, low }
  throw new TypeError(
    `${what} is neither an McpServer of this package nor a server of the official SDK (@modelcontextprotocol/sdk or @modelcontextprotocol/server).`,
  )
}

async function make(factory: OfficialFactory, context: OfficialFactoryContext): Promise<Made> {
  const made: unknown = await factory(context)
  // By a member: the class would make this file share code with the author's server, which the start reads.
  if (isObject(made) && 'registry' in made) throw new TypeError(OWN)
  return requireServer(made, 'What the factory returns')
}

function contextFor(channel: ClientChannel): OfficialFactoryContext {
  const context: OfficialFactoryContext = { era: 'legacy' }
  const [authInfo, requestInfo] = [authOf(channel), requestOf(channel)]
  if (authInfo) context.authInfo = authInfo
  if (requestInfo) context.requestInfo = requestInfo
  return context
}

/** The annotations of a low-level server are in its list alone. A list that needs a caller is learned with the first one. */
async function learnTools({ made, low }: Made, policies: Policies): Promise<void> {
  const direct = sdk.directCalls(low)
  const handler = direct?.handler('tools/list')
  if (sdk.registeredTools(made) || !direct || !handler) return
  const signal = new AbortController().signal
  const extra = {
    signal,
    requestId: 'start',
    mcpReq: { id: 'start', method: 'tools/list', signal, requestState: () => undefined },
  }
  try {
    const result: unknown = await handler(
      { jsonrpc: '2.0', id: 'start', method: 'tools/list', params: {} },
      direct.context(extra),
    )
    const tools: unknown = typeof result === 'object' && result !== null ? Reflect.get(result, 'tools') : undefined
    if (Array.isArray(tools)) policies.learn(tools)
  } catch {
    // The first client that lists them meets the same error, and is answered with it.
  }
}

/** @throws TypeError */
function requireNamedTools({ made }: Made, { tools = {} }: OfficialOptions, policies: Policies): void {
  const registered = sdk.registeredTools(made)
  const known = registered ? Object.keys(registered) : policies.names
  // The list of a low-level server may need a caller.
  if (!registered && known.length === 0) return
  requireKnownTools(tools, known, 'the server')
}

/** A server of a release that keeps its description elsewhere. */
async function describedByProtocol(low: sdk.LowLevel): Promise<sdk.OwnDescription> {
  const answer = Promise.withResolvers<JsonObject>()
  const transport: sdk.Transport = {
    async start() {},
    async send(message) {
      answer.resolve(message)
    },
    async close() {
      transport.onclose?.()
    },
  }
  await low.connect(transport)
  const params = {
    protocolVersion: LATEST_SESSION_REVISION,
    capabilities: {},
    clientInfo: { name: 'start', version: '0' },
  }
  transport.onmessage?.({ jsonrpc: '2.0', id: 'start', method: 'initialize', params })
  const { result } = await answer.promise
  await low.close()
  return descriptionIn(isObject(result) ? result : {}, '')
}

function askedSoFar(method: string): string {
  return (
    `${method} was sent without naming a request, so it went to the client of the call in whose async context it was sent. ` +
    'In a queue that another call began that is the wrong client. Use "extra" or "ctx" of the handler, or export a function that ' +
    `makes the server, with instances: 'session'; attribution: 'strict' refuses such messages.`
  )
}

function slower(name: string, knowsClients: boolean): string {
  const release = `The server ${name} is of a release of the official SDK whose members are not known here: `
  if (knowsClients) return `${release}its calls take a slower way. Update mcp-anywhere.`
  return (
    `${release}it does not know what its clients declared, and its calls take a slower way. Update mcp-anywhere, or export a ` +
    `function that makes the server, with instances: 'session'.`
  )
}
