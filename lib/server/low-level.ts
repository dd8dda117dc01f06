/**
 * Members of the official SDK's servers that an `McpServer` does not have, because it has no client of its own, and what
 * does the same here. Reading one of them is an error of one line.
 */
import type { Registry } from './registry/registry.ts'

const SERVE = 'createEndpoint(server) serves every client'
const REGISTER = 'Register tools, resources and prompts; server.use runs code around every call and list'

const INSTEAD = {
  setRequestHandler: REGISTER,
  setNotificationHandler: REGISTER,
  removeRequestHandler: REGISTER,
  removeNotificationHandler: REGISTER,
  fallbackRequestHandler: REGISTER,
  fallbackNotificationHandler: REGISTER,
  registerCapabilities: 'Use the option "capabilities" of new McpServer(info, options)',
  connect: `${SERVE}, and serveStdio(server) of mcp-anywhere/stdio a local host`,
  close: 'endpoint.close() of createEndpoint shuts down',
  transport: SERVE,
  oninitialized: 'Use ctx.client in a handler: a session begins on any instance',
  onclose: 'Use ctx.signal in a handler: a session outlives connections and instances',
  onerror: 'Use the option "onError" of createEndpoint',
  elicitInput: 'Use ctx.elicit(message, schema) in a handler',
  createElicitationCompletionNotifier: 'Use endpoint.elicitationCompleted(id)',
  createMessage: 'Use ctx.sample(params) in a handler',
  listRoots: 'Use ctx.listRoots() in a handler',
  ping: 'Use ctx.ping() in a handler',
  request: 'Use ctx.sendRequest in a handler',
  notification: 'Use ctx.notify(method, params) in a handler',
  sendLoggingMessage: 'Use ctx.log(level, data) in a handler',
  getClientCapabilities: 'Use ctx.client.capabilities in a handler',
  getClientVersion: 'Use ctx.client.info in a handler',
  getNegotiatedProtocolVersion: 'Use ctx.revision in a handler',
  'experimental.tasks': 'There are no tasks yet; a call may run as long as it needs, and outlives connections',
} as const

const OFFICIAL = 'A server of the official SDK is served as it is: createEndpoint(officialServer)'

/** The type of a member that is missing. A compiler's error about its use has the text. */
interface Lacking<Text extends string> {
  readonly instead: Text
}

type Instead = typeof INSTEAD
/** The types of the members that are missing. */
export type LackingMembers = { readonly [Name in keyof Instead]: Lacking<Instead[Name]> }

/** The error for a member that an `McpServer` does not have. */
function lacking(path: string, member: string): TypeError {
  const instead = Object.hasOwn(INSTEAD, member) ? INSTEAD[member as keyof Instead] : REGISTER
  return new TypeError(`McpServer has no ${path}. ${instead}. ${OFFICIAL}.`)
}

/** @throws TypeError always */
export function refuseMember(member: keyof Instead): never {
  throw lacking(member, member)
}

/** `server.server`: it sends notices that belong to no call. The type of every other member names its replacement. */
export type LowLevelServer = LackingMembers & {
  sendToolListChanged(): Promise<void>
  sendPromptListChanged(): Promise<void>
  sendResourceListChanged(): Promise<void>
  sendResourceUpdated(params: { uri: string }): Promise<void>
}

export function lowLevelServer(registry: Registry): LowLevelServer {
  const members = {
    sendToolListChanged: async () => registry.announce({ kind: 'tools' }),
    sendPromptListChanged: async () => registry.announce({ kind: 'prompts' }),
    sendResourceListChanged: async () => registry.announce({ kind: 'resources' }),
    sendResourceUpdated: async ({ uri }: { uri: string }) => registry.announce({ kind: 'updated', uri }),
  }
  const refuse = (_target: object, name: string | symbol): never => {
    throw lacking(`server.${String(name)}`, String(name))
  }
  return new Proxy(members, {
    get(target, name) {
      // The language and its tools read these of any object: `await`, printing, comparing.
      if (typeof name === 'symbol' || name === 'then' || name === 'toJSON' || name in target)
        return Reflect.get(target, name)
      return refuse(target, name)
    },
    set: refuse,
  }) as LowLevelServer
}

/** The low-level server of the official SDK, whose import would otherwise fail without a reason. */
export class Server {
  /**
   * @deprecated there is no low-level server: register tools, resources and prompts of an `McpServer`, or give the
   *   official server to `createEndpoint`
   * @throws TypeError always
   */
  constructor(..._arguments: unknown[]) {
    throw new TypeError(`mcp-anywhere has no low-level Server. ${REGISTER} of an McpServer. ${OFFICIAL}.`)
  }
}
