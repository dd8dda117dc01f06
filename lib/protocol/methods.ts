/**
 * The methods of MCP: one row each, in one table. Code that depends on a method's name reads its row. A member that a
 * row leaves out is false: a new method is neither run again after a crash nor able to ask its client.
 */

/**
 * The entry that the parameters of a request name. Its policy (scopes, running again, headers) holds for the request.
 */
export type Subject = 'tool' | 'prompt' | 'resource' | 'reference' | 'subscriptions'

export interface Method {
  /**
   * session: the session answers it, from its own state. stateless: the endpoint answers it, in the stateless revision.
   * server: the author's server answers it.
   */
  readonly servedBy: 'session' | 'stateless' | 'server'
  /** The parameter that the header `Mcp-Name` repeats (2026-07-28, "Standard request headers"). */
  readonly mirrored?: string
  /** Its handler can ask the client: on the stream of a session's call, and by replay in the stateless revision. */
  readonly asks?: 'in sessions' | 'everywhere'
  /** Its results carry how long a client may keep them (2026-07-28). */
  readonly cacheable?: true
  /** Another instance may run it when the first one dies: always, or where the policy of the request allows it. */
  readonly runsAgain?: 'always' | 'by policy'
  readonly about?: Subject
}

/** Rows by method name. */
export type MethodTable = ReadonlyMap<string, Method>

const ROWS = {
  initialize: { servedBy: 'session' },
  ping: { servedBy: 'session', runsAgain: 'always' },
  'logging/setLevel': { servedBy: 'session', runsAgain: 'always' },
  'resources/subscribe': { servedBy: 'session', runsAgain: 'always', about: 'resource' },
  'resources/unsubscribe': { servedBy: 'session', runsAgain: 'always', about: 'resource' },

  'server/discover': { servedBy: 'stateless', cacheable: true },
  'subscriptions/listen': { servedBy: 'stateless', about: 'subscriptions' },

  // 2025-11-25 has them in sessions, and 2026-07-28 in an extension, without the last two.
  'tasks/get': { servedBy: 'session', mirrored: 'taskId', runsAgain: 'always' },
  'tasks/update': { servedBy: 'stateless', mirrored: 'taskId' },
  'tasks/cancel': { servedBy: 'session', mirrored: 'taskId', runsAgain: 'always' },
  'tasks/list': { servedBy: 'session', runsAgain: 'always' },
  'tasks/result': { servedBy: 'session', asks: 'in sessions', runsAgain: 'always' },

  'tools/list': { servedBy: 'server', cacheable: true, asks: 'in sessions', runsAgain: 'always' },
  'tools/call': { servedBy: 'server', mirrored: 'name', asks: 'everywhere', runsAgain: 'by policy', about: 'tool' },
  'resources/list': { servedBy: 'server', cacheable: true, asks: 'in sessions', runsAgain: 'always' },
  'resources/templates/list': { servedBy: 'server', cacheable: true, asks: 'in sessions', runsAgain: 'always' },
  'resources/read': {
    servedBy: 'server',
    mirrored: 'uri',
    asks: 'everywhere',
    cacheable: true,
    runsAgain: 'always',
    about: 'resource',
  },
  'prompts/list': { servedBy: 'server', cacheable: true, asks: 'in sessions', runsAgain: 'always' },
  'prompts/get': { servedBy: 'server', mirrored: 'name', asks: 'everywhere', runsAgain: 'always', about: 'prompt' },
  'completion/complete': { servedBy: 'server', asks: 'in sessions', runsAgain: 'always', about: 'reference' },
} as const satisfies Record<string, Method>

type MethodName = keyof typeof ROWS

type MethodsWith<Row> = { [Name in MethodName]: (typeof ROWS)[Name] extends Row ? Name : never }[MethodName]

/** The methods whose results the stateless revision lets clients keep. */
export type CacheableMethod = MethodsWith<{ cacheable: true }>

/** The methods that the author's server answers. */
export type ServerMethod = MethodsWith<{ servedBy: 'server' }>

/** The methods of the specification. A dispatcher may have more: see `Dispatcher.methods`. */
export const METHODS: MethodTable = new Map<string, Method>(Object.entries(ROWS))

/** A method that lists what the server has, and runs no tool, no prompt and no resource. */
export function isList(method: string): boolean {
  const row = METHODS.get(method)
  return row?.servedBy === 'server' && row.about === undefined
}
