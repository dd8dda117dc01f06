/** CORS: the headers that let a web page of an allowed origin call the endpoint and read its responses. */
import type { ReadHeader } from './headers.ts'

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

/** Headers of the response to a preflight: of the headers that it asks for, those of MCP are allowed. */
export function preflightHeaders(header: ReadHeader): Record<string, string> {
  const asked = (header('access-control-request-headers') ?? '').split(',').map((name) => name.trim().toLowerCase())
  const params = asked.filter((name) => /^mcp-param-[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name))
  return {
    'Access-Control-Allow-Methods': ALLOWED_METHODS,
    'Access-Control-Allow-Headers': [REQUEST_HEADERS, ...new Set(params)].join(', '),
    'Access-Control-Max-Age': '7200',
    Vary: 'Origin, Access-Control-Request-Headers',
  }
}
