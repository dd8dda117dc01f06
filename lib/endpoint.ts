/** The endpoint: an author's server behind `/mcp`, to be mounted wherever Hono runs. */
import type { Context, Hono } from 'hono'
import { HonoBase } from 'hono/hono-base'
import { scopesWithoutAuth } from './auth/check.ts'
import { authorization, checkOfMiddleware, middlewareOnly } from './auth/on-demand.ts'
import { systemClock } from './base/clock.ts'
import { OnDemand } from './base/on-demand.ts'
import { createSealer, randomKey } from './base/sealing.ts'
import type { Rate } from './base/setting.ts'
import type { Endpoint, EndpointOptions } from './endpoint-types.ts'
import { Access } from './http/access.ts'
import { preflight } from './http/cors.ts'
import { directFetch } from './http/direct.ts'
import { headerReader } from './http/headers.ts'
import { type McpParts, mcpHandler } from './http/mcp.ts'
import { legacyRoutes, wellKnownRoutes } from './http/on-demand.ts'
import { openingOf } from './http/opening.ts'
import { originCheck } from './http/origin.ts'
import { LEGACY_PATHS, Paths } from './http/paths.ts'
import { RateLimiter } from './http/rate-limit.ts'
import { watchRequest } from './http/request-event.ts'
import { refuse } from './http/respond.ts'
import { PathRouter } from './http/router.ts'
import { readOptions } from './options.ts'
import { ErrorCode } from './protocol/errors.ts'
import type { JsonRpcRequest } from './protocol/jsonrpc.ts'
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
import { createNotifier } from './runtime/notifier.ts'
import { announceOwnChanges } from './runtime/own-changes.ts'
import { logError, reporter } from './runtime/reporter.ts'
import { rest } from './runtime/rest.ts'
import { statsOf } from './runtime/stats.ts'
import { dispatcherFor, type Servable } from './sdk/official.ts'
import { type Dispatcher, durabilityOf } from './server/dispatcher.ts'
import { initializeResult } from './session/initialize.ts'
import { Sessions } from './session/sessions.ts'
import { sessionData } from './session/stream/session.ts'
import { SETTINGS } from './settings.ts'
import { memoryStore } from './store/memory/index.ts'
import { sealedStore } from './store/sealed.ts'
import { telemetryOf } from './telemetry/otel/telemetry.ts'

export type { Endpoint, EndpointOptions } from './endpoint-types.ts'

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
  const offer = { listChanged: delivers, subscribe: delivers, logging: streaming, tasks: given.tasks !== undefined }
  const dispatch = watchedDispatch(replayed(dispatcher, options.replay, sessionOptions.suspend, onError), instance)
  const afterwork = new Afterwork(instance)
  const durability = (request: JsonRpcRequest) => durabilityOf(dispatcher, request, sessionOptions)
  const { maxAsks } = sessionOptions
  const shared = { store, announce: notify, dispatch, clock, afterwork }
  const tasks = new OnDemand(async () => {
    const { openEngine } = await import('./tasks/open.ts')
    const { executor } = options
    const sessionValues = ({ key }: { key: string }) => sessionData(store, key)
    return openEngine({ instance, shared, maxAsks, executor, durability, sessionValues }, store)
  })
  const sessions = new Sessions(
    {
      instance,
      ...shared,
      versionOf: ({ method, params }) => dispatcher.policyOf(method, params).version,
      durability,
      heard: dispatcher.heard,
      scopes: dispatcher.scopes,
      scopesOf: (method, params, viewer) => dispatcher.policyOf(method, params, viewer).scopes,
      hides: () => dispatcher.hides === true,
      shows: (uri, viewer) => dispatcher.shows?.(uri, viewer) !== false,
      hear: (...by) => dispatcher.heard && import('./session/heard.ts').then((m) => m.hear(dispatcher, store, ...by)),
      handles: (method) => dispatcher.handles?.(method) === true,
      tasks: given.tasks && { engine: tasks, dispatcher },
      maxPositions: httpOptions.maxBatch,
    },
    (revision) => initializeResult(dispatcher.describe(revision, offer)),
  )
  const sealer = createSealer(keys ?? [randomKey()], 'requestState')
  const stateless = new OnDemand(async () => {
    const { openStateless } = await import('./stateless/open.ts')
    return openStateless(dispatcher, instance, { ...shared, maxAsks, tasks }, sealer, statelessOptions)
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
  const way = {
    notify,
    shared: given.leavesProcess,
    track: (work: Promise<unknown>) => instance.track(work),
    report: onError,
  }
  let announce: ReturnType<typeof announceOwnChanges> | undefined
  const endOwnChanges = dispatcher.onChange?.((change) => {
    announce ??= announceOwnChanges(way)
    announce(change)
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
    runTask: async (wake, limits) => (await tasks.load()).run(wake, limits),
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
    close: async (options) => {
      await drain(instance, afterwork, options?.within)
      endOwnChanges?.()
      await dispatcher.close?.()
      await store.close()
      await telemetry?.end()
    },
  }
}

/** The dispatcher of calls. In development handlers may be replayed. */
function replayed(
  dispatcher: Dispatcher,
  replay: EndpointOptions['replay'],
  suspend: 'durable' | 'all',
  report: (error: Error) => void,
): Pick<Dispatcher, 'dispatch' | 'knows'> {
  if (replay !== 'always' && replay !== 'strict') return dispatcher
  const options = { replay, suspend, report }
  return {
    knows: (kind, name) => dispatcher.knows?.(kind, name) === true,
    dispatch: (...request) =>
      import('./server/replay/replayed.ts').then((code) => code.dispatchReplayed(dispatcher, options, ...request)),
  }
}
