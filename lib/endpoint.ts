/** The endpoint: an author's server behind `/mcp`, to be mounted wherever Hono runs. */
import { type Context, Hono } from 'hono'
import { authorization } from './auth/on-demand.ts'
import type { AuthOptions } from './auth/options.ts'
import { type Clock, systemClock } from './base/clock.ts'
import { createSealer, randomKey } from './base/sealing.ts'
import { Access } from './http/access.ts'
import { LEGACY_PATHS, legacyRoutes } from './http/legacy-sse.ts'
import { type McpParts, mcpHandler } from './http/mcp.ts'
import { type OriginOptions, originCheck } from './http/origin.ts'
import { RateLimiter } from './http/rate-limit.ts'
import { refuse } from './http/respond.ts'
import { wellKnownRoutes } from './http/well-known.ts'
import { ErrorCode } from './protocol/errors.ts'
import { Refusal } from './protocol/refusal.ts'
import { STATELESS_REVISION } from './protocol/revisions.ts'
import { ConcurrencyLimiter } from './runtime/concurrency.ts'
import { drain } from './runtime/drain.ts'
import { Instance } from './runtime/instance.ts'
import { createNotifier, type Notifier } from './runtime/notifier.ts'
import { type Dispatcher, mayRunAgain } from './server/dispatcher.ts'
import type { McpServer } from './server/mcp-server.ts'
import { dispatcherOf } from './server/own-dispatcher.ts'
import { initializeResult } from './session/initialize.ts'
import { Sessions } from './session/sessions.ts'
import type { HttpOptions, Rate, SessionOptions, StatelessOptions } from './settings.ts'
import { DEFAULT_HTTP_OPTIONS, DEFAULT_SESSION_OPTIONS, DEFAULT_STATELESS_OPTIONS } from './settings.ts'
import { Stateless } from './stateless/post.ts'
import { StateBox } from './stateless/request-state.ts'
import { memoryStore } from './store/memory/index.ts'
import { sealedStore, type Unsealed } from './store/sealed.ts'
import type { Store } from './store/store.ts'

export interface EndpointOptions extends OriginOptions {
  /** Where sessions live. Default: in this process, for one instance. */
  store?: Store | undefined
  /** Where the endpoint answers. Default `/mcp`. */
  path?: string | undefined
  /** Who may call. Default: everybody, and all are one. */
  auth?: AuthOptions | undefined
  session?: Partial<SessionOptions> | undefined
  stateless?: Partial<StatelessOptions> | undefined
  http?: Partial<HttpOptions> | undefined
  /**
   * The key ring that seals what leaves the process: the first seals, all open. All instances need the same one; by
   * default there is a random one, which is right for a single instance.
   */
  keys?: readonly Uint8Array[] | undefined
  /**
   * With `keys` everything in the store is sealed, and what is not sealed does not exist. To turn sealing on without
   * losing sessions: first `write` everywhere (sealed texts are read, none are written), then `read` (both are read,
   * sealed ones are written), and when the last session from before has ended, the default, `refuse`.
   */
  unsealed?: Unsealed | undefined
  /**
   * False where the platform takes a response only as a whole: everybody gets JSON, and what needs a stream is neither
   * offered nor announced. Default true.
   */
  streaming?: boolean | undefined
  /** Serves the HTTP+SSE transport of 2024-11-05 too, at `/sse` and `/messages`. Default false. */
  legacySse?: boolean | undefined
  /** Hears of failures that no client is told in full. Default: one line on stderr. */
  onError?: ((error: unknown) => void) | undefined
  clock?: Clock | undefined
}

export interface Endpoint {
  /** The Hono app, for `app.route` or further routes. */
  app: Hono
  fetch: Hono['fetch']
  /** Announces changes, and completed elicitations, to clients on every instance. */
  notify: Notifier
  /** Random, new with each process: what the other instances know this one by. */
  instanceId: string
  /** As `notify.elicitationCompleted`: for the page that a URL elicitation leads to. */
  elicitationCompleted(elicitationId: string): Promise<boolean>
  /** What this instance holds at this moment. All of it is zero when no response is open. */
  stats(): { connections: number; calls: number; unregistered: number }
  /** Resolves when no call runs here and everything owed to the store is written. Streams may still be open. */
  settled(): Promise<void>
  /** The process may have been asleep for `idleMs`: what may have died meanwhile is replaced before it is used. */
  wake(idleMs: number): void
  /**
   * Before the process may sleep (a Lambda environment between invocations): when nothing is open, gives the waiting
   * connection up. The next stream or long call opens it again.
   */
  rest(): Promise<void>
  /**
   * Before the process goes: ends what may be ended, lets calls finish for `session.drainTimeout` ms, hands the rest
   * over or fails it, writes what is owed to the store and closes it.
   */
  close(): Promise<void>
}

function logError(error: unknown): void {
  console.error(error instanceof Error ? `${error.name}: ${error.message}` : error)
}

/**
 * Serves `server` to MCP clients of every revision, from any number of instances that share a store.
 *
 * @param server an `McpServer`, or the dispatcher of one that has modules
 *
 * @example
 * const endpoint = createEndpoint(server, { store: redisStore(process.env.REDIS_URL) })
 * serve({ fetch: endpoint.fetch, port: 3000 })
 */
export function createEndpoint(server: McpServer | Dispatcher, options: EndpointOptions = {}): Endpoint {
  const dispatcher = dispatcherOf(server)
  const { path = '/mcp', onError = logError, clock = systemClock } = options
  const { store: given = memoryStore(), keys, streaming = true, legacySse = false } = options
  // A store in this process needs no seal. Another store is sealed where there is a key.
  const store = keys && given.leavesProcess ? sealedStore(given, keys, options.unsealed) : given
  const sessionOptions = { ...DEFAULT_SESSION_OPTIONS, ...options.session }
  if (!streaming) sessionOptions.getPolicy = 'off'
  const statelessOptions = { ...DEFAULT_STATELESS_OPTIONS, listen: streaming, ...options.stateless }
  const httpOptions = { ...DEFAULT_HTTP_OPTIONS, ...options.http }
  const instance = new Instance(store, sessionOptions, clock, onError)
  const notify = createNotifier(store)
  const delivers = sessionOptions.getPolicy !== 'off'
  const offer = { listChanged: delivers, subscribe: delivers, logging: streaming }
  const sessions = new Sessions(
    {
      instance,
      store,
      announce: notify,
      dispatch: (method, params, channel) => dispatcher.dispatch(method, params, channel),
      mayRunAgain: (request) => mayRunAgain(dispatcher, request),
    },
    (revision) => initializeResult(dispatcher.describe(revision, offer)),
  )
  const states = new StateBox(createSealer(keys ?? [randomKey()], 'requestState'), clock, statelessOptions)
  // Longer than any state that could have it done again.
  const singleLifetime = statelessOptions.callLifetime + statelessOptions.stateLifetime
  const stateless = new Stateless(
    dispatcher,
    instance,
    { store, announce: notify, methods: dispatcher.methods, states, singleLifetime, maxAsks: sessionOptions.maxAsks },
    statelessOptions,
  )
  const { name, title = name } = dispatcher.describe(STATELESS_REVISION, offer).info
  const legacy = legacySse ? LEGACY_PATHS : []
  const facts = { path, legacy, name: title, scopes: dispatcher.scopes }
  const auth = options.auth && authorization(options.auth, facts, clock)
  const rateLimiter = (kind: string, rate: Rate | undefined) => rate && new RateLimiter(kind, rate, instance)
  const access = new Access({
    dispatcher,
    auth,
    concurrency: new ConcurrencyLimiter(instance, sessionOptions.maxCallsPerPrincipal),
    principals: auth && rateLimiter('principal', httpOptions.principalRate),
    addresses: rateLimiter('address', httpOptions.addressRate),
    proxies: httpOptions.proxies,
    clock,
  })
  const parts: McpParts = {
    sessions,
    stateless,
    checkOrigin: originCheck(options),
    access,
    options: httpOptions,
    responseLimit: sessionOptions.responseLimit,
    streaming,
    clock,
    onError,
  }
  const app = new Hono()
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.all(path, mcpHandler(parts))
  if (legacySse && streaming) legacyRoutes(app, parts)
  if (auth) wellKnownRoutes(app, auth, parts)
  app.notFound(({ req }: Context) => {
    throw new Refusal(404, ErrorCode.InvalidRequest, `Nothing is at ${req.path}; the MCP endpoint is ${path}.`)
  })
  app.onError((error) => refuse(error, undefined, onError))
  const { connections, calls, unregistered } = instance
  return {
    app,
    fetch: app.fetch,
    notify,
    instanceId: instance.id,
    elicitationCompleted: (id) => notify.elicitationCompleted(id),
    stats: () => ({ connections: connections.size, calls: calls.size, unregistered: unregistered.size }),
    settled: () => instance.settled(),
    wake: (idleMs) => store.wake(idleMs),
    rest: () => instance.rest(),
    close: async () => {
      await drain(instance)
      await store.close()
    },
  }
}
