/** Opens a server of the official SDK: decides which instances of it there are, and connects the first one. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { ClientChannel } from '../server/context/client-channel.ts'
import type { Dispatcher, DispatcherHost } from '../server/dispatcher.ts'
import type { OfficialCall } from './call.ts'
import { dispatcherFor, type OwnDescription } from './dispatcher.ts'
import { officialAuth, requestOf } from './extra.ts'
import { type InstanceParts, OfficialInstance } from './instance.ts'
import { InstancePool } from './instances.ts'
import type { OfficialFactory, OfficialFactoryContext, OfficialServer } from './official.ts'
import { type Instances, type OfficialOptions, requireOfficialOptions } from './options.ts'
import { Policies } from './policies.ts'
import * as sdk from './private.ts'
import type { List } from './transport.ts'

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
 * @param hosts the endpoints that serve it; further ones may be added
 * @throws TypeError with one line for a server that cannot be served so, and for options that cannot work
 */
export async function openOfficial(
  server: OfficialServer | OfficialFactory,
  options: OfficialOptions,
  hosts: readonly DispatcherHost[],
): Promise<Opened> {
  requireOfficialOptions(options)
  const factory = typeof server === 'function' ? server : undefined
  const model = factory ? await make(factory, { era: 'legacy' }) : requireServer(server, 'The server')
  if (model.low.transport) throw new TypeError(CONNECTED)
  const { kind, why } = chooseKind(options.instances, model.low, factory)
  const report = (error: unknown) => {
    for (const host of hosts) host.report(error)
  }
  const annotationsOf = (name: string) => {
    const tools = sdk.registeredTools(model.made)
    return tools && Object.hasOwn(tools, name) ? tools[name]?.annotations : undefined
  }
  const policies = new Policies({ tools: options.tools, annotationsOf, report })
  await learnTools(model, policies)
  requireNamedTools(model, options, policies)
  const own = sdk.ownDescription(model.low) ?? (await describedByProtocol(model.low))
  const name = JSON.stringify(own.info.name)
  const changed = new Set<List>()
  let asked = false
  const parts: InstanceParts = {
    running: new AsyncLocalStorage<OfficialCall>(),
    hosts,
    policies,
    strict: options.attribution === 'strict',
    ownsClient: kind === 'session' || kind === 'call',
    askedByContext(method) {
      if (asked || kind === 'session' || kind === 'call') return
      asked = true
      report(warning(askedSoFar(method)))
    },
    changed(list) {
      for (const { announce } of hosts) void announceChange(announce, list)
      if (changed.has(list) || kind !== 'shared') return
      changed.add(list)
      report(warning(`The server ${name} changed its ${list} while it runs: other processes that serve it have their own.`))
    },
  }
  const scopes = new Set(Object.values(options.tools ?? {}).flatMap(({ requiredScopes = [] }) => requiredScopes))
  const notes = [`The official server ${name} has ${INSTANCES[typeof kind === 'function' ? 'key' : kind]}: ${why}.`]
  if (kind === 'shared') {
    const instance = new OfficialInstance(model.made, model.low, parts)
    await instance.connect()
    if (!sdk.directCalls(model.low)) report(warning(slower(name)))
    const dispatcher = dispatcherFor({ own, policies, scopes, use: (_channel, work) => work(instance) })
    return { dispatcher, notes }
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
  return { dispatcher: dispatcherFor({ own, policies, scopes, use: (channel, work) => pool.use(channel, work) }), notes }
}

const INSTANCES = {
  shared: 'one instance for all clients of this process',
  session: 'an instance for each session',
  call: 'an instance for each request',
  key: 'an instance for each key',
} as const

const CONNECTED =
  'The server is connected to a transport already. Remove server.connect(…) from its module: the endpoint connects it.'
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
  return requireServer(await factory(context), 'What the factory returns')
}

function contextFor(channel: ClientChannel): OfficialFactoryContext {
  const context: OfficialFactoryContext = { era: 'legacy' }
  const [authInfo, requestInfo] = [officialAuth(channel.auth), requestOf(channel)]
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
  const extra = { signal, requestId: 'start', mcpReq: { id: 'start', method: 'tools/list', signal, requestState: () => undefined } }
  try {
    const result: unknown = await handler({ jsonrpc: '2.0', id: 'start', method: 'tools/list', params: {} }, direct.context(extra))
    const tools: unknown = typeof result === 'object' && result !== null ? Reflect.get(result, 'tools') : undefined
    if (Array.isArray(tools)) policies.learn(tools)
  } catch {
    // The first client that lists them meets the same error, and is answered with it.
  }
}

/** A name that is misspelled would leave a tool open that should need a scope. @throws TypeError */
function requireNamedTools({ made }: Made, { tools = {} }: OfficialOptions, policies: Policies): void {
  const registered = sdk.registeredTools(made)
  const known = registered ? Object.keys(registered) : policies.names
  if (known.length === 0) return
  const unknown = Object.keys(tools).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new TypeError(`tools names ${JSON.stringify(unknown)}, and the server has no such tool. It has ${known.join(', ')}.`)
}

/** A server of a release that keeps its description elsewhere. */
async function describedByProtocol(low: sdk.LowLevel): Promise<OwnDescription> {
  const { promise, resolve } = Promise.withResolvers<OwnDescription>()
  const transport: sdk.Transport = {
    async start() {},
    async close() {
      transport.onclose?.()
    },
    async send({ result }) {
      const { serverInfo, capabilities, instructions } = result as Record<string, never>
      resolve({ info: serverInfo as never, capabilities: capabilities as never, instructions })
    },
  }
  await low.connect(transport)
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'start', version: '0' } }
  transport.onmessage?.({ jsonrpc: '2.0', id: 'start', method: 'initialize', params })
  const description = await promise
  await low.close()
  return description
}

async function announceChange(announce: DispatcherHost['announce'], list: List): Promise<void> {
  if (list === 'tools') return announce.toolsChanged()
  return list === 'prompts' ? announce.promptsChanged() : announce.resourcesChanged()
}

function warning(text: string): Error {
  const error = new Error(text)
  error.name = 'Warning'
  return error
}

function askedSoFar(method: string): string {
  return (
    `${method} was sent without naming a request, so it went to the client of the call in whose async context it was sent. ` +
    'In a queue that another call began that is the wrong client. Use "extra" or "ctx" of the handler, or export a function that ' +
    `makes the server, with instances: 'session'; attribution: 'strict' refuses such messages.`
  )
}

function slower(name: string): string {
  return (
    `The server ${name} is of a release of the official SDK whose members are not known here: its calls take a slower way. ` +
    'Update mcp-anywhere.'
  )
}

