/** The check of Host and Origin: protection from DNS rebinding (transports, "Security warning"). */
import { memoize } from '../base/memo.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { Refusal } from '../protocol/refusal.ts'
import type { ReadHeader } from './headers.ts'

export interface OriginOptions {
  /**
   * Host names that requests may name, without port (`['mcp.example.com']`, or `'local'` for loopback names). Not
   * given: any, because behind a gateway the gateway checks the name.
   */
  allowedHosts?: readonly string[] | 'local' | undefined
  /** Origins of web pages that may call (`['https://app.example.com']`), or `'*'`. Others get 403. */
  allowedOrigins?: readonly string[] | '*' | undefined
}

const LOCAL_NAMES = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Without its port. An IPv6 address may be written without its brackets in the settings. */
function hostName(host: string): string {
  const plain = /^[0-9a-f:]+$/i.test(host) && host.indexOf(':') !== host.lastIndexOf(':') ? `[${host}]` : host
  return plain.replace(/:\d+$/, '').toLowerCase()
}
const nameOf = memoize(hostName, 50)

/**
 * Checks a request, and returns the value of `Access-Control-Allow-Origin`; undefined for a request without Origin. The
 * URL names the host where there is no Host header: HTTP/2, and platforms that hand over a whole request.
 *
 * @throws Refusal 403
 */
export type OriginCheck = (header: ReadHeader, request: { readonly url: string }) => string | undefined

export function originCheck({ allowedHosts, allowedOrigins = [] }: OriginOptions): OriginCheck {
  const hosts = allowedHosts === 'local' ? LOCAL_NAMES : allowedHosts && new Set(allowedHosts.map(hostName))
  const origins = allowedOrigins === '*' ? '*' : new Set(allowedOrigins.map((origin) => origin.toLowerCase()))
  const allows = (origin: string, host: string): boolean => {
    if (origins === '*' || origins.has(origin)) return true
    // A page of this host itself, or a page of this machine on this machine. Only where the Host header is checked:
    // otherwise an attacker chooses both headers (DNS rebinding).
    const [, page] = (hosts && /^https?:\/\/([^/]+)$/.exec(origin)) ?? []
    if (page === undefined) return false
    return page === host.toLowerCase() || (LOCAL_NAMES.has(hostName(page)) && LOCAL_NAMES.has(hostName(host)))
  }
  return (header, request) => {
    const host = header('host') ?? (hosts ? new URL(request.url).host : '')
    if (hosts && !hosts.has(nameOf(host))) {
      throw new Refusal(
        403,
        ErrorCode.InvalidRequest,
        'The Host header names a host that this endpoint does not serve.',
      )
    }
    const origin = header('origin')
    if (origin === undefined) return undefined
    if (!allows(origin.toLowerCase(), host)) {
      const headers = { Vary: 'Origin' }
      throw new Refusal(403, ErrorCode.InvalidRequest, 'The Origin is not allowed here.', { headers })
    }
    return origins === '*' ? '*' : origin
  }
}
