/** `createMcpHandler` of the official SDK 2.x, served by an endpoint: the import is the one change. */
import { createEndpoint, type Endpoint, type EndpointOptions } from './endpoint.ts'
import type { FetchOptions } from './http/fetch-options.ts'
import { readOptions } from './options.ts'
import type { Notifier } from './runtime/notifier.ts'
import { logError, reporter } from './runtime/reporter.ts'
import {
  announcing,
  type McpHandlerRequestOptions,
  type OfficialHandlerOptions,
  readHandlerOptions,
  type ServerEventBus,
} from './sdk/drop-in.ts'
import type { OfficialFactory } from './sdk/official.ts'
import { type HttpOptions, SETTINGS } from './settings.ts'

/** The options of the official SDK, and those of {@link createEndpoint}: `store` above all, for more than one instance. */
export interface CreateMcpHandlerOptions extends OfficialHandlerOptions, Omit<EndpointOptions, 'onError'> {}

/** The handler of the official SDK, and the endpoint that serves its requests. */
export interface McpHttpHandler {
  /** Serves a request at whatever path it comes. It can be passed around without the handler. It never rejects. */
  fetch: (request: Request, options?: McpHandlerRequestOptions | FetchOptions) => Promise<Response>
  /** Shuts down, as `endpoint.close()`: running calls may finish, and streams end in good order. */
  close: () => Promise<void>
  /** Announces changes to the clients of every instance. */
  notify: Notifier
  /** The same as events, and those of this process for listeners. */
  bus: ServerEventBus
  /** What the official SDK has not: `ready()`, `stats()`, the Hono app and the rest. */
  endpoint: Endpoint
}

/**
 * Serves the servers that `factory` makes to clients of every revision, from any number of instances that share a store. The
 * result is that of `createMcpHandler` in `@modelcontextprotocol/server` 2.x, and is mounted in the same ways. Which instance of
 * the server answers a request is up to `instances`: the official SDK makes one for each.
 *
 * @throws TypeError with one line for an option that cannot work
 *
 * @example
 * const handler = createMcpHandler(() => buildServer(), { store: redisStore(process.env.REDIS_URL) })
 * export default { fetch: handler.fetch }
 */
export function createMcpHandler(factory: OfficialFactory, options: CreateMcpHandlerOptions = {}): McpHttpHandler {
  if (typeof factory !== 'function') throw new TypeError(NO_FACTORY)
  const { legacy, onerror, responseMode, bus, maxSubscriptions, keepAliveMs, maxRequestBodySize, ...own } = options
  const official = { legacy, onerror, responseMode, bus, maxSubscriptions, keepAliveMs, maxRequestBodySize }
  const { session, stateless, http, ...read } = readHandlerOptions(official)
  const endpoint = createEndpoint(factory, {
    ...own,
    ...read,
    session: { ...own.session, ...session },
    stateless: { ...own.stateless, ...stateless },
    http: { ...own.http, ...http },
  })
  const { path = '/mcp' } = own
  const { app } = endpoint
  const asked = app.getPath
  // Whoever mounts the handler has chosen the path. Documents of authorization have paths of their own.
  const pathOf: typeof app.getPath = (request, context) => {
    const at = asked(request, context)
    return endpoint.serves(at) ? at : path
  }
  Object.defineProperty(app, 'getPath', { value: pathOf })
  const serve = (request: Request, { authInfo, ...given }: McpHandlerRequestOptions & FetchOptions = {}) =>
    endpoint.fetch(request, authInfo === undefined ? given : { ...given, auth: authInfo })
  const strict =
    (bounds: HttpOptions) =>
    async (request: Request, given: McpHandlerRequestOptions & FetchOptions = {}) => {
      const { refuseLegacy } = await import('./sdk/strict.ts')
      const served = await refuseLegacy(request, given.parsedBody, bounds)
      return served instanceof Response ? served : serve(request, { ...given, ...served })
    }
  return {
    fetch: legacy === 'reject' ? strict(readOptions('http', SETTINGS.http, { ...own.http, ...http })) : serve,
    close: endpoint.close,
    ...announcing(endpoint.notify, reporter(read.onError ?? logError)),
    endpoint,
  }
}

const NO_FACTORY =
  'createMcpHandler takes a function that makes a server of the official SDK. createEndpoint takes servers as well.'
