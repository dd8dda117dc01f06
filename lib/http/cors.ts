/** Who may knock: Host and Origin, and what a browser is told about it (CORS). */
import { memoize } from '../base/memo.ts'
import type { ReadHeader } from './headers.ts'

export interface DoorOptions {
  /**
   * Host names that requests may name, without port (`['mcp.example.com']`, or `'local'` for loopback names). Not
   * given: any, because behind a gateway the name is the gateway's business.
   */
  allowedHosts?: readonly string[] | 'local' | undefined
  /** Origins of web pages that may call (`['https://app.example.com']`), or `'*'`. Others get 403. */
  allowedOrigins?: readonly string[] | '*' | undefined
}

const LOCAL_NAMES = new Set(['localhost', '127.0.0.1', '[::1]'])

const ALLOWED_METHODS = 'POST, GET, DELETE, OPTIONS'
const EXPOSED = 'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, Retry-After'
const REQUEST_HEADERS = new Set([
  'authorization',
  'content-type',
  'accept',
  'last-event-id',
  'mcp-session-id',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'traceparent',
  'tracestate',
  'baggage',
])

export interface Admission {
  /** What is wrong, for a 403. */
  refused?: string
  /** Headers for every response to this request. */
  headers: Record<string, string> | undefined
}

const ADMITTED: Admission = { headers: undefined }

/** Without its port. An IPv6 address may be written without its brackets in the settings. */
function hostName(host: string): string {
  const plain = /^[0-9a-f:]+$/i.test(host) && host.indexOf(':') !== host.lastIndexOf(':') ? `[${host}]` : host
  return plain.replace(/:\d+$/, '').toLowerCase()
}
const nameOf = memoize(hostName, 50)

export class Doors {
  readonly #hosts: ReadonlySet<string> | undefined
  readonly #origins: ReadonlySet<string> | '*'

  constructor(options: DoorOptions) {
    const { allowedHosts, allowedOrigins = [] } = options
    this.#hosts = allowedHosts === 'local' ? LOCAL_NAMES : allowedHosts && new Set(allowedHosts.map(hostName))
    this.#origins = allowedOrigins === '*' ? '*' : new Set(allowedOrigins.map((origin) => origin.toLowerCase()))
  }

  /** The URL names the host where there is no Host header: HTTP/2, and platforms that hand over a whole request. */
  admit(header: ReadHeader, request: { readonly url: string }): Admission {
    const host = header('host') ?? (this.#hosts && new URL(request.url).host)
    if (this.#hosts && !this.#hosts.has(nameOf(host ?? ''))) {
      return { refused: 'The Host header names a host that this endpoint does not serve.', headers: undefined }
    }
    const origin = header('origin')
    if (origin === undefined) return ADMITTED
    if (!this.#allows(origin.toLowerCase(), host ?? '')) {
      return { refused: 'The Origin is not allowed here.', headers: { Vary: 'Origin' } }
    }
    return {
      headers: {
        'Access-Control-Allow-Origin': this.#origins === '*' ? '*' : origin,
        'Access-Control-Expose-Headers': EXPOSED,
        Vary: 'Origin',
      },
    }
  }

  #allows(origin: string, host: string): boolean {
    if (this.#origins === '*' || this.#origins.has(origin)) return true
    // A page of this host itself, or of this machine on this machine. Only where the Host header is checked: otherwise
    // it is as much the attacker's as the Origin (DNS rebinding).
    if (!this.#hosts) return false
    const match = /^https?:\/\/([^/]+)$/.exec(origin)
    if (!match?.[1]) return false
    return match[1] === host.toLowerCase() || (LOCAL_NAMES.has(hostName(match[1])) && LOCAL_NAMES.has(hostName(host)))
  }

  /** What a preflight may be told: the asked-for headers that are known here. */
  preflight(header: ReadHeader): Record<string, string> {
    const asked = (header('access-control-request-headers') ?? '').split(',').map((name) => name.trim().toLowerCase())
    const allowed = asked.filter(
      (name) => REQUEST_HEADERS.has(name) || /^mcp-param-[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name),
    )
    return {
      'Access-Control-Allow-Methods': ALLOWED_METHODS,
      'Access-Control-Allow-Headers': [...new Set([...REQUEST_HEADERS, ...allowed])].join(', '),
      'Access-Control-Max-Age': '7200',
      Vary: 'Origin, Access-Control-Request-Headers',
    }
  }
}
