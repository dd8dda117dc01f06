/** The official client, connected to a server in this process. */
import type {
  Client,
  CreateMessageRequest,
  CreateMessageResult,
  ElicitRequest,
  ElicitResult,
  Root,
} from '@modelcontextprotocol/client'
import type { MiddlewareAuth } from '../auth/middleware.ts'
import { randomKey } from '../base/sealing.ts'
import type { EndpointOptions } from '../endpoint.ts'
import { STATELESS_REVISION, SUPPORTED_REVISIONS } from '../protocol/revisions.ts'
import type { Notifier } from '../runtime/notifier.ts'
import { dispatcherFor, type Servable } from '../sdk/official.ts'
import { memoryStore } from '../store/memory/index.ts'
import { TestInstance } from './instance.ts'
import { TestTime } from './time.ts'

/** One user and his client. */
export interface TestClientUser {
  /**
   * The revision that the client speaks: `2026-07-28` is stateless, the others have sessions. Default `2025-11-25`.
   */
  revision?: string | undefined
  /** Fills in a form (`mode` is missing or `form`), or opens a page (`mode: 'url'`). Without it the client has no user. */
  elicit?: ((params: ElicitRequest['params']) => ElicitResult | Promise<ElicitResult>) | undefined
  /** The client's model. Without it the client has none. */
  sample?: ((params: CreateMessageRequest['params']) => CreateMessageResult | Promise<CreateMessageResult>) | undefined
  /** The folders that the client shows. Without it the client has no roots. */
  roots?: readonly Root[] | (() => readonly Root[] | Promise<readonly Root[]>) | undefined
  /** The caller. Tools see it as `ctx.auth`. `extra.sub` is the user. */
  auth?: MiddlewareAuth | undefined
}

export interface TestClientOptions extends TestClientUser {
  /** Instances of the server behind a round robin, which share one store. Default 1. */
  instances?: number | undefined
  /**
   * Runs durable handlers again after each of their steps: a call fails whose handler then says, asks or returns something else, and
   * its error names the difference. Default false.
   */
  replay?: boolean | undefined
  /** Options of the endpoint. Leases and heartbeats are shorter than usual: an instance that was killed is missed soon. */
  endpoint?: Omit<EndpointOptions, 'store' | 'clock'> | undefined
}

/** What a test can do beside the calls of the client. */
export interface TestControls {
  /** The instance that got the last POST of any client. */
  readonly lastInstance: number
  /**
   * Kills an instance, the last one unless it is named, as `kill -9` does: connections break. Another instance takes its calls
   * over when its lease is over, which is a third of a second unless `endpoint` has another one. As in production, a call is
   * lost whose client has nothing of its response yet: wait for its first progress before the kill. The code of handlers is
   * in this process and runs on, but nothing of it reaches a client or the store.
   */
  kill(instance?: number): void
  /**
   * Lets `ms` pass at once for all instances: lifetimes, leases, timeouts of asks. Timers of the test, of handlers and of the
   * client go on as usual.
   */
  advance(ms: number): Promise<void>
  /** Resolves when no call runs and the work of `ctx.waitUntil` is done, in every instance. */
  settled(): Promise<void>
  /** Announces changes, as `endpoint.notify`. */
  notify: Notifier
  /** Another client of the same instances. */
  another(user?: TestClientUser): Promise<TestClient>
  /** Closes the client; of the first one also the instances. */
  [Symbol.asyncDispose](): Promise<void>
}

/** The official client with the controls of the test. */
export type TestClient = Client & TestControls

/** Short, so that a test need not wait, and many times longer than what a busy machine is late. */
const SHORT = { lease: 300, heartbeat: 400, retry: 10, replacedRetry: 100 }

/**
 * Connects the official client (`@modelcontextprotocol/client` 2, which has to be installed) to `server` in this process,
 * without a socket. The server is served by the same code as in production, with sessions in memory.
 *
 * @throws Error with one line where the official client is not installed, or an option cannot work
 *
 * @example
 * await using client = await testClient(server, {
 *   instances: 3,
 *   elicit: () => ({ action: 'accept', content: { sure: true } }),
 * })
 * const result = await client.callTool({ name: 'delete_note', arguments: { id: '1' } })
 */
export async function testClient(server: Servable, options: TestClientOptions = {}): Promise<TestClient> {
  const { instances: size = 1, replay = false, endpoint = {}, ...user } = options
  if (!Number.isInteger(size) || size < 1) throw new TypeError(`instances must be a whole number from 1, not ${size}.`)
  const official = await load()
  const time = new TestTime()
  const life = { over: false }
  const store = memoryStore({ clock: time.clockOf(life) })
  const settings: EndpointOptions = {
    // What one instance has sealed for a stateless client another one opens.
    keys: [randomKey()],
    ...(user.auth && { auth: 'middleware' }),
    ...(replay && { replay: 'strict' }),
    ...endpoint,
    session: { ...SHORT, ...endpoint.session },
  }
  const { instances: kind, attribution, tools, ...shared } = settings
  const make = () => dispatcherFor(server, { instances: kind, attribution, tools })
  // A server that makes no others is one in this process, for all instances.
  const one = typeof server === 'function' ? undefined : make()
  const fleet = Array.from({ length: size }, () => new TestInstance(one ?? make(), shared, store, time))
  let turn = 0
  let last = 0
  const next = (method: string): TestInstance => {
    for (let i = 0; i < size; i++) {
      const index = turn++ % size
      const instance = fleet[index]
      if (!instance || instance.over) continue
      if (method === 'POST') last = index
      return instance
    }
    throw new TypeError('Every instance was killed.')
  }
  const stop = async () => {
    for (const instance of fleet) instance.kill()
    life.over = true
    await store.close()
  }
  const path = `${endpoint.prefix ?? ''}${endpoint.path ?? '/mcp'}`
  const connect = async (user: TestClientUser, isFirst: boolean): Promise<TestClient> => {
    const fetch = async (url: string | URL, init?: RequestInit) => {
      const request = new Request(url, init)
      return next(request.method).fetch(request, { auth: user.auth })
    }
    const client = await official.connect(user, new URL(`http://localhost${path}`), fetch)
    const close = client.close.bind(client)
    const controls: Omit<TestControls, 'lastInstance'> = {
      kill: (index = last) => {
        const instance = fleet[index]
        if (!instance) throw new RangeError(`There is no instance ${index}; there are ${size}.`)
        instance.kill()
      },
      advance: (ms) => time.advance(ms),
      settled: async () => {
        await Promise.all(fleet.filter(({ over }) => !over).map(({ endpoint }) => endpoint.settled()))
      },
      get notify() {
        return next('notify').endpoint.notify
      },
      another: (other = {}) => connect({ revision: user.revision, ...other }, false),
      [Symbol.asyncDispose]: async () => {
        await close()
        if (isFirst) await stop()
      },
    }
    const properties = Object.getOwnPropertyDescriptors(controls)
    return Object.defineProperties(client, { ...properties, lastInstance: { get: () => last } }) as TestClient
  }
  return connect(user, true).catch(async (error) => {
    await stop()
    throw error
  })
}

const MISSING =
  'mcp-anywhere/testing needs the official client, which is not installed: npm install --save-dev @modelcontextprotocol/client@2'

/** Loads the official client, which is a package of its own that only tests need. */
async function load() {
  const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client').catch((error) => {
    throw new Error(MISSING, { cause: error })
  })
  const connect = async (
    { revision = '2025-11-25', elicit, sample, roots }: TestClientUser,
    url: URL,
    fetch: (url: string | URL, init?: RequestInit) => Promise<Response>,
  ) => {
    if (!SUPPORTED_REVISIONS.includes(revision as never)) {
      throw new TypeError(`revision must be one of ${SUPPORTED_REVISIONS.join(', ')}, not ${revision}.`)
    }
    const isStateless = revision === STATELESS_REVISION
    const client = new Client(
      { name: 'test', version: '1.0.0' },
      {
        capabilities: {
          ...(elicit && { elicitation: { form: {}, url: {} } }),
          ...(sample && { sampling: { tools: {} } }),
          ...(roots && { roots: typeof roots === 'function' ? { listChanged: true } : {} }),
        },
        versionNegotiation: { mode: isStateless ? { pin: revision } : 'legacy' },
        ...(!isStateless && { supportedProtocolVersions: [revision] }),
      },
    )
    if (elicit) client.setRequestHandler('elicitation/create', ({ params }) => elicit(params))
    if (sample) client.setRequestHandler('sampling/createMessage', ({ params }) => sample(params))
    if (roots) {
      client.setRequestHandler('roots/list', async () => ({
        roots: [...(typeof roots === 'function' ? await roots() : roots)],
      }))
    }
    const reconnectionOptions = {
      initialReconnectionDelay: 10,
      maxReconnectionDelay: 100,
      reconnectionDelayGrowFactor: 1.5,
      maxRetries: 20,
    }
    await client.connect(new StreamableHTTPClientTransport(url, { fetch, reconnectionOptions }))
    return client
  }
  return { connect }
}
