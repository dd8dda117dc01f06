/** What a platform or a framework hands over with a request: the second argument of `endpoint.fetch`. */
import type { MiddlewareAuth } from '../auth/middleware.ts'
import type { HttpRequest } from './request.ts'

/** What Node's HTTP server has parsed of a request. Other platforms give parts of it, or nothing. */
interface Incoming {
  headers?: Readonly<Record<string, string | string[] | undefined>>
  readableLength?: number
  readableEncoding?: string | null
  /** Something has read of the body, or all of it. */
  readableDidRead?: boolean
  read?(): unknown
  resume?(): unknown
  httpVersion?: string
  socket?: { remoteAddress?: string | undefined; remotePort?: number | undefined }
  /** The bytes of the body, which some platforms have read already. */
  rawBody?: unknown
}

export interface FetchOptions {
  /**
   * The body, where a framework has read it already (`request.body` behind `express.json()`): the JSON value, or the text or
   * the bytes of one. It is read as strictly as a body: bounds of size and depth, messages, batches. What parsing has
   * dropped cannot be checked: invalid UTF-8, a byte order mark, members with the same name (the last one counts), escapes
   * and spaces (they do not count as bytes), and the `Content-Encoding` that the framework has decoded.
   */
  parsedBody?: unknown
  /**
   * The caller, where a middleware has checked it. The endpoint then asks for no token of its own. See
   * {@link MiddlewareAuth} for the principal that it makes.
   */
  auth?: MiddlewareAuth | undefined
  /**
   * The begin of the public path that was cut off for this request, such as `/base` where an app mounts the endpoint there.
   * It comes after the `prefix` of the endpoint, which a proxy cuts off.
   */
  mountedAt?: string | undefined
  /** There is no HTTP: the host that started this process has sent a line. Handlers then get no URL of the request. */
  local?: boolean | undefined
  /** When the platform ends the response, by the endpoint's clock. */
  deadline?: number | undefined
  /** The id that the platform gave the request. */
  requestId?: string | undefined
  /** The request of Node's HTTP server. */
  incoming?: Incoming | undefined
  /** The response of Node's HTTP server, whose connection is closed where a client reads too slowly. */
  outgoing?: { destroy?(): unknown; once?(event: 'close', listener: () => void): unknown } | undefined
}

export function fetchOptions(c: HttpRequest): FetchOptions {
  return (c.env ?? NONE) as FetchOptions
}

const NONE: FetchOptions = {}
