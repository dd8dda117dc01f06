/** CORS: the headers that let a web page of an allowed origin call the endpoint and read its responses. */
import type { ReadHeader } from './headers.ts'
import { readHeaderNames } from './origin-lists.ts'

const ALLOWED_METHODS = 'POST, GET, DELETE, OPTIONS'
const EXPOSED = 'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, Retry-After'
const REQUEST_HEADERS =
  'authorization, content-type, accept, last-event-id, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, ' +
  'traceparent, tracestate, baggage'

/** Headers of every response to a page of `origin`, including refusals; undefined for a request without Origin. */
export function corsHeaders(origin: string | undefined): Record<string, string> | undefined {
  if (origin === undefined) return undefined
  return { 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': EXPOSED, Vary: 'Origin' }
}

export interface CorsOptions {
  /** Headers of requests that web pages may send beside those of MCP, such as `x-api-key`. */
  allowedHeaders?: readonly string[] | undefined
}

/**
 * Makes the headers of the response to a preflight: of the headers that it asks for, those of MCP and of the setting are
 * allowed.
 * @throws TypeError for a name that is none
 */
export function preflight({ allowedHeaders = [] }: CorsOptions): (header: ReadHeader) => Record<string, string> {
  const own = allowedHeaders.length > 0 ? readHeaderNames(allowedHeaders) : []
  const always = [...new Set([...REQUEST_HEADERS.split(', '), ...own])]
  return (header) => {
    const asked = (header('access-control-request-headers') ?? '').split(',').map((name) => name.trim().toLowerCase())
    const params = asked.filter((name) => /^mcp-param-[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name))
    return {
      'Access-Control-Allow-Methods': ALLOWED_METHODS,
      'Access-Control-Allow-Headers': [...always, ...new Set(params)].join(', '),
      'Access-Control-Max-Age': '7200',
      Vary: 'Origin, Access-Control-Request-Headers',
    }
  }
}
