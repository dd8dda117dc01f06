/** The endpoint: an author's server behind `/mcp`, to be mounted wherever Hono runs. */
import type { Context, Hono } from 'hono'
import { HonoBase } from 'hono/hono-base'
import { scopesWithoutAuth } from './auth/check.ts'
import { authorization, checkOfMiddleware, middlewareOnly } from './auth/on-demand.ts'
import type { AuthOptions } from './auth/options.ts'
import { type Clock, systemClock } from './base/clock.ts'
import { OnDemand } from './base/on-demand.ts'
import { createSealer, randomKey } from './base/sealing.ts'
import type { Rate } from './base/setting.ts'
import { Access } from './http/access.ts'
import { type CorsOptions, preflight } from './http/cors.ts'
import { directFetch } from './http/direct.ts'
import type { FetchOptions } from './http/fetch-options.ts'
import { headerReader } from './http/headers.ts'
import { type McpParts, mcpHandler } from './http/mcp.ts'
import { legacyRoutes, wellKnownRoutes } from './http/on-demand.ts'
import { openingOf } from './http/opening.ts'
import { type OriginOptions, originCheck } from './http/origin.ts'
import { LEGACY_PATHS, type PathOptions, Paths } from './http/paths.ts'
import { RateLimiter } from './http/rate-limit.ts'
import { watchRequest } from './http/request-event.ts'
import { refuse } from './http/respond.ts'
import { PathRouter } from './http/router.ts'
import { readOptions } from './options.ts'
import type { Page } from './page/routes.ts'
import { ErrorCode } from './protocol/errors.ts'
import { Refusal } from './protocol/refusal.ts'
import { refusalText } from './protocol/refusal-texts.ts'
import { STATELESS_REVISION } from './protocol/revisions.ts'
import { Afterwork } from './runtime/afterwork.ts'
import { watchedDispatch } from './runtime/call-watch.ts'
import { ConcurrencyLimiter } from './runtime/concurrency.ts'
import { drain } from './runtime/drain.ts'
import { Instance } from './runtime/instance.ts'
import { isMember } from './runtime/member.ts'
import { Memory } from './runtime/memory.ts'
import { createNotifier, type Notifier } from './runtime/notifier.ts'
import { announceOwnChanges } from './runtime/own-changes.ts'
import { logError, reporter } from './runtime/reporter.ts'
import { rest } from './runtime/rest.ts'
import { statsOf } from './runtime/stats.ts'
import { dispatcherFor, type Servable } from './sdk/official.ts'
import type { OfficialOptions } from './sdk/options.ts'
import { mayRunAgain } from './server/dispatcher.ts'
import { initializeResult } from './session/initialize.ts'
import { Sessions } from './session/sessions.ts'
import { type HttpOptions, SETTINGS, type SessionOptions, type StatelessOptions } from './settings.ts'
import { memoryStore } from './store/memory/index.ts'
import { sealedStore, type Unsealed } from './store/sealed.ts'
import type { Store } from './store/store.ts'
import { telemetryOf } from './telemetry/otel/telemetry.ts'

export interface EndpointOptions extends OriginOptions, CorsOptions, PathOptions, OfficialOptions {
  /** Where sessions live. Default: in this process, for one instance. */
  store?: Store | undefined
  /**
   * The callers that are let in. `'middleware'`: those that a middleware of the app has checked ({@link FetchOptions}), and
   * a request without one is 401. Default: everybody, and all callers are one principal but for those of a middleware.
   */
  auth?: AuthOptions | 'middleware' | undefined
  session?: Partial<SessionOptions> | undefined
  stateless?: Partial<StatelessOptions> | undefined
  http?: Partial<HttpOptions> | undefined
  /**
   * The key ring that seals what leaves the process. The first key seals, all of them open. All instances need the same
   * ring. Default: a random key, which is right for a single instance.
   */
  keys?: readonly Uint8Array[] | undefined
  /**
   * With `keys` everything in the store is sealed, and a text without a seal is taken as missing. To turn sealing on
   * without losing sessions, set `write` on all instances (plain texts are written, sealed ones are read too), then
   * `read` (sealed texts are written, plain ones are read too), and, when the last session from before has ended,
   * `refuse`, which is the default.
   */
  unsealed?: Unsealed | undefined
  /**
   * False where the platform takes a response only as a whole: every response is JSON, and features that need a stream
   * are neither offered nor announced. Default true.
   */
  streaming?: boolean | undefined
  /** The page for people, which `mcp-anywhere/page` has. */
  page?: Page | undefined
  /**
   * Spans and metrics of OpenTelemetry, by the global providers of the process. Default: true where one of them is set when the
   * endpoint is made. The package `@opentelemetry/api` must be installed.
   */
  telemetry?: boolean | undefined
  /** Serves the HTTP+SSE transport of 2024-11-05 too, at `/sse` and `/messages`. Default false. */
  legacySse?: boolean | undefined
  /** Receives the failures whose cause no client is sent. Default: one line on stderr. */
  onError?: ((error: unknown) => void) | undefined
  clock?: Clock | undefined
}

export interface Endpoint {
  /** The Hono app, for `app.route` or further routes. */
  app: Hono
  /**
   * Serves a request. It never rejects: each failure is a response.
   *
   * @param options what a framework has done already, and what a platform knows of the request
   */
  fetch(request: Request, options?: FetchOptions): Promise<Response>
  /** True for a path where the endpoint answers: `/mcp`, `/healthz`, those of HTTP+SSE and of the metadata. */
  serves(path: string): boolean
  /**
   * Resolves when the server is ready, with sentences for the log of the start. Requests wait for it by themselves. A server of
   * the official SDK is opened first.
   *
   * @throws TypeError with one line for a server that cannot be served
   */
  ready(): Promise<readonly string[]>
  /** Announces changes, and completed elicitations, to clients on every instance. */
  notify: Notifier
  /** The name of this instance for the others: random, new with each process. */
  instanceId: string
  /** As `notify.elicitationCompleted`, for the page of a URL elicitation. */
  elicitationCompleted(elicitationId: string): Promise<boolean>
  /** The name and version of the server, once it is {@link ready}. */
  about(): { name: string; version: string }
  /** Connections and calls of this instance, and work that waits for the store. All are zero when no response is open. */
  stats(): { connections: number; calls: number; unregistered: number; owed: number }
  /** Bytes that clients make this instance hold: of requests, and of output that waits. All are zero when it is at rest. */
  held(): { requests: number; output: number }
  /**
   * Resolves when no call runs here and the work in the background is done, that of `ctx.waitUntil` included. Streams may still
   * be open.
   */
  settled(): Promise<void>
  /** The process may have been asleep for `idleMs`: connections to the store that may be dead are replaced. */
  wake(idleMs: number): void
  /**
   * Prepares for a sleep of the process (a Lambda environment between invocations): closes the waiting connection to the
   * store when nothing is open. The next stream or long call opens it again. It waits for calls, and for the work of
   * `ctx.waitUntil`.
   *
   * @param by when the process sleeps in any case, by the endpoint's clock: a moment before, work that is left is reported and
   *   no longer waited for
   */
  rest(by?: number): Promise<void>
  /**
   * Shuts down: ends the streams that may end before their response, lets calls finish for `session.drainTimeout` ms, hands
   * the other calls over or fails them, finishes the work at the store and closes it.
   */
  close(): Promise<void>
}

/**
 * Serves `server` to MCP clients of every revision, from any number of instances that share a store.
 *
 * @param server an `McpServer`, or a server of the official SDK, or a function that makes one
 * @throws TypeError with one line for an option that cannot work, and for what was registered and cannot be used
 *
 * @example
 * const endpoint = createEndpoint(server, { store: redisStore(process.env.REDIS_URL) })
 * serve({ fetch: endpoint.fetch, port: 3000 })
 */
export function createEndpoint(server: Servable, options: EndpointOptions = {}): Endpoint {
  const dispatcher = dispatcherFor(server, options)
  const onError = reporter(options.onError ?? logError)
  dispatcher.reportTo?.(onError)
  const { clock = systemClock, store: given = memoryStore(), keys, streaming = true, legacySse = false } = options
  const own = options.auth === 'middleware' ? undefined : options.auth
  const paths = new Paths(options, legacySse && streaming, own !== undefined)
  if (!keys && (options.unsealed ?? 'refuse') !== 'refuse') throw new TypeError('unsealed needs keys.')
  // A store in this process needs no seal. Another store is sealed where there is a key.
  const store = keys && given.leavesProcess ? sealedStore(given, keys, options.unsealed) : given
  const sessionOptions = readOptions('session', SETTINGS.session, options.session)
  if (!streaming) sessionOptions.getPolicy = 'off'
  const statelessOptions = readOptions('stateless', SETTINGS.stateless, { listen: streaming, ...options.stateless })
  const httpOptions = readOptions('http', SETTINGS.http, options.http)
  const memory = new Memory(httpOptions.maxMemory)
  const instance = new Instance(store, sessionOptions, clock, onError, memory)
  const notify = createNotifier(store)
  if (isMember(dispatcher)) dispatcher.join(instance)
  const delivers = sessionOptions.getPolicy !== 'off'
  const offer = { listChanged: delivers, subscribe: delivers, logging: streaming }
  const dispatch = watchedDispatch(dispatcher, instance)
  const afterwork = new Afterwork(instance)
  const sessions = new Sessions(
    {
      instance,
      store,
      announce: notify,
      dispatch,
      clock,
      afterwork,
      mayRunAgain: (request) => mayRunAgain(dispatcher, request),
      heard: dispatcher.heard,
      scopes: dispatcher.scopes,
      scopesOf: (method, params, viewer) => dispatcher.policyOf(method, params, viewer).scopes,
      hides: () => dispatcher.hides === true,
      shows: (uri, viewer) => dispatcher.shows?.(uri, viewer) !== false,
      hear: (...by) => dispatcher.heard && import('./session/heard.ts').then((m) => m.hear(dispatcher, store, ...by)),
      handles: (method) => dispatcher.handles?.(method) === true,
      maxPositions: httpOptions.maxBatch,
    },
    (revision) => initializeResult(dispatcher.describe(revision, offer)),
  )
  const sealer = createSealer(keys ?? [randomKey()], 'requestState')
  const stateless = new OnDemand(async () => {
    const { openStateless } = await import('./stateless/open.ts')
    const { maxAsks } = sessionOptions
    const shared = { store, announce: notify, dispatch, clock, afterwork, maxAsks }
    return openStateless(dispatcher, instance, shared, sealer, statelessOptions)
  })
  const facts = { path: paths.path, legacy: legacySse ? LEGACY_PATHS : [], name: '', scopes: dispatcher.scopes }
  const onOpen = () => {
    const { name, title = name } = dispatcher.describe(STATELESS_REVISION, offer).info
    given.serve?.(name)
    facts.name = title
  }
  const telemetry = telemetryOf(options.telemetry, onError)
  const opening = openingOf(dispatcher, { completed: notify.elicitationCompleted, onOpen, onError })
  // Without tokens nobody has a scope, and nothing would keep a caller from using what needs one.
  if (!options.auth && dispatcher.scopes.size > 0) throw new TypeError(scopesWithoutAuth(dispatcher.scopes))
  const endOwnChanges = announceOwnChanges(dispatcher, {
    notify,
    shared: given.leavesProcess,
    track: (work) => instance.track(work),
    report: onError,
  })
  const auth = own && authorization(own, facts, clock, onError)
  const limiter = (kind: RateLimiter['kind'], rate: Rate | undefined) => rate && new RateLimiter(kind, rate, instance)
  const access = new Access({
    dispatcher,
    auth: auth ?? (options.auth && middlewareOnly),
    checked: checkOfMiddleware(own, dispatcher.scopes, auth?.metadata.resources, clock, onError),
    paths,
    concurrency: new ConcurrencyLimiter(instance, sessionOptions.maxCallsPerPrincipal),
    principals: limiter('principal', httpOptions.principalRate),
    addresses: limiter('address', httpOptions.addressRate),
    proxies: httpOptions.proxies,
    clock,
    onError,
  })
  const parts: McpParts = {
    paths,
    sessions,
    stateless,
    checkOrigin: originCheck(options),
    preflight: preflight(options),
    access,
    instance: instance.id,
    options: httpOptions,
    responseLimit: sessionOptions.responseLimit,
    streaming,
    clock,
    memory,
    opening,
    telemetry,
    onError,
  }
  const app: Hono = new HonoBase({ router: new PathRouter() })
  for (const each of paths.routes('/healthz')) app.get(each, (c) => c.json({ status: 'ok' }))
  const mcp = mcpHandler(parts)
  const handler = options.page?.routes({ app, mcp, parts, auth: options.auth, server: facts }) ?? mcp
  const routes = paths.routes(paths.path)
  for (const each of routes) app.all(each, handler)
  if (legacySse && streaming) legacyRoutes(app, parts)
  if (auth) wellKnownRoutes(app, auth, parts)
  app.notFound(({ req }: Context) => {
    throw new Refusal(404, ErrorCode.InvalidRequest, refusalText('nothing', req.path, paths.publicPath))
  })
  app.onError(async (error, c) => {
    const watched = watchRequest(parts, c, headerReader(c))
    const response = refuse(error, undefined, onError)
    if (!watched) return response
    return watched.serve(async () => {
      watched.refused(error)
      return response
    })
  })
  return {
    app,
    fetch: directFetch(app, routes, handler),
    serves: (path) => paths.serves(path),
    ready: async () => opening?.ready() ?? [],
    notify,
    instanceId: instance.id,
    about: () => dispatcher.describe(STATELESS_REVISION, offer).info,
    elicitationCompleted: (id) => notify.elicitationCompleted(id),
    stats: () => statsOf(instance),
    held: () => ({ requests: memory.requests.used, output: memory.output.used }),
    settled: () => instance.settled(),
    wake: (idleMs) => store.wake(idleMs),
    rest: async (by) => {
      await rest(instance, afterwork, by)
      await telemetry?.flush()
    },
    close: async () => {
      await drain(instance, afterwork)
      endOwnChanges()
      await dispatcher.close?.()
      await store.close()
      await telemetry?.end()
    },
  }
}
