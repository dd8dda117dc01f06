/** The endpoint as a handler of Node's HTTP server and of the frameworks on it. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { getRequestListener, type Http2Bindings, type HttpBindings } from '@hono/node-server'
import type { MiddlewareAuth } from '../../auth/middleware.ts'
import type { Endpoint } from '../../endpoint.ts'
import type { FetchOptions } from '../../http/fetch-options.ts'
import { refuseTarget } from './target.ts'

/** What frameworks and their middlewares add to a request. */
interface FrameworkRequest extends IncomingMessage {
  /** The parsed body: of `express.json()` and the like. */
  body?: unknown
  /** The bytes of the body: of Google's functions framework. */
  rawBody?: unknown
  /** The caller that a middleware has checked. */
  auth?: MiddlewareAuth
  /** The whole target, where `url` lacks the path of a mounted app. */
  originalUrl?: string
  /** The route of Express that has this handler. A middleware has none. */
  route?: unknown
}

/** A request of Node's HTTP server. These types name none of Node, so that an app compiles without them. */
export interface NodeRequest {
  method?: string | undefined
  url?: string | undefined
  headers: object
  socket: object
}

/** A response of Node's HTTP server. */
export interface NodeResponse {
  headersSent: boolean
  setHeader(name: string, value: string): unknown
}

/** A request of Fastify. */
export interface FastifyLikeRequest {
  raw: NodeRequest
  body?: unknown
}

/** A reply of Fastify. */
export interface FastifyLikeReply {
  raw: NodeResponse
  hijack(): unknown
  getHeaders(): object
}

export interface NodeHandler {
  /**
   * @param next the next handler of Express, which gets the requests of other paths; or the body, where a framework has it
   *   elsewhere than in `request.body`
   */
  (request: NodeRequest, response: NodeResponse, next?: unknown): Promise<void>
  (request: FastifyLikeRequest, reply: FastifyLikeReply): Promise<void>
}

/**
 * Makes a handler for Express 4 and 5, Fastify, and `createServer` of `node:http`.
 *
 * It takes `request.body` where a parser such as `express.json()` has read the body, and `request.auth` where a middleware
 * has checked the caller ({@link MiddlewareAuth}). It may be mounted below a path (`app.use('/base', handler)`). Where it is a
 * middleware, requests of other paths go to the next one.
 *
 * @example
 * app.use(toNodeHandler(endpoint))                       // Express, before or behind express.json()
 * fastify.all('/mcp', toNodeHandler(endpoint))           // Fastify
 * createServer(toNodeHandler(endpoint)).listen(3000)     // node:http
 */
export function toNodeHandler(endpoint: Endpoint): NodeHandler {
  /** Those of the request that the listener is called with: it calls `fetch` before it returns. */
  let options: FetchOptions = {}
  const fetch = (request: Request, bindings: HttpBindings | Http2Bindings) =>
    endpoint.fetch(request, { ...options, ...bindings })
  // The app's own Request and Response stay as they are.
  const listener = getRequestListener(fetch, { overrideGlobalObjects: false })
  const handle = async (request: FrameworkRequest, response: ServerResponse, third: unknown): Promise<void> => {
    const { url = '/', originalUrl = url } = request
    const next = typeof third === 'function' ? third : undefined
    const mounted = originalUrl !== url && !endpoint.serves(pathOf(originalUrl)) && endpoint.serves(pathOf(url))
    const target = mounted ? url : originalUrl
    if (next && request.route === undefined && !endpoint.serves(pathOf(target))) return void next()
    options = { parsedBody: parsedOf(request, next ? undefined : third) }
    if (request.auth !== undefined) options.auth = request.auth
    if (mounted && originalUrl.endsWith(url)) options.mountedAt = originalUrl.slice(0, -url.length)
    request.url = target
    try {
      if (request.httpVersionMajor < 2 && refuseTarget(request, response)) return
      // The listener has read the target, too, when it returns.
      return listener(request, response)
    } finally {
      request.url = url
    }
  }
  return (request: NodeRequest | FastifyLikeRequest, response: NodeResponse | FastifyLikeReply, third?: unknown) => {
    if (!('raw' in request) || !('raw' in response)) {
      return handle(request as FrameworkRequest, response as ServerResponse, third)
    }
    response.hijack()
    const [raw, out] = [request.raw as FrameworkRequest, response.raw as ServerResponse]
    // Those that plugins have set, such as CORS.
    for (const [name, value] of Object.entries(response.getHeaders() as OutgoingHttpHeaders)) {
      if (value !== undefined) out.setHeader(name, value)
    }
    const { auth } = request as { auth?: MiddlewareAuth }
    if (auth !== undefined) raw.auth = auth
    return handle(raw, out, request.body)
  }
}

function pathOf(target: string): string {
  const end = target.indexOf('?')
  return end < 0 ? target : target.slice(0, end)
}

/** The body that a parser has left. Express 4 has an empty object where none has read the body. */
function parsedOf(request: FrameworkRequest, given: unknown): unknown {
  const { body = given, rawBody, readableDidRead } = request
  if (rawBody instanceof Uint8Array) return rawBody
  if (given !== undefined) return given
  return readableDidRead === false ? undefined : body
}
