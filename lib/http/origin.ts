/** The check of Host and Origin: protection from DNS rebinding (transports, "Security warning"). */
import { memoize } from '../base/memo.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { Refusal } from '../protocol/refusal.ts'
import { refusalText } from '../protocol/refusal-texts.ts'
import type { ReadHeader } from './headers.ts'
import { hostName, LOCAL_NAMES } from './host-name.ts'
import { readHosts, readOrigins } from './origin-lists.ts'

export interface OriginOptions {
  /**
   * Host names that requests may name, without port (`['mcp.example.com']`), `'local'` for loopback names, or `'*'`. Not
   * given: any, because behind a gateway the gateway checks the name.
   */
  allowedHosts?: readonly string[] | 'local' | '*' | undefined
  /** Origins of web pages that may call (`['https://app.example.com']`), or `'*'`. Others get 403. */
  allowedOrigins?: readonly string[] | '*' | undefined
}

const nameOf = memoize(hostName, 50)

/**
 * Checks a request, and returns the value of `Access-Control-Allow-Origin`; undefined for a request without Origin. The
 * URL names the host where there is no Host header: HTTP/2, and platforms that hand over a whole request.
 *
 * @throws Refusal 403 that names the setting
 */
export type OriginCheck = (header: ReadHeader, request: { readonly url: string }) => string | undefined

/** @throws TypeError for options that cannot be what their author means */
export function originCheck({ allowedHosts, allowedOrigins = [] }: OriginOptions): OriginCheck {
  const named = allowedHosts === 'local' || allowedHosts === undefined ? undefined : readHosts(allowedHosts)
  const hosts = allowedHosts === 'local' ? LOCAL_NAMES : named && named !== '*' ? new Set(named) : undefined
  const read = allowedOrigins.length > 0 ? readOrigins(allowedOrigins) : []
  const origins = read === '*' ? '*' : new Set(read)
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
      throw refuse('host', host)
    }
    const origin = header('origin')
    if (origin === undefined) return undefined
    if (!allows(origin.toLowerCase(), host)) {
      throw refuse('origin', origin, { Vary: 'Origin' })
    }
    return origins === '*' ? '*' : origin
  }
}

/** @param came the header that is refused */
function refuse(about: 'host' | 'origin', came: string, headers?: Record<string, string>): Refusal {
  return new Refusal(403, ErrorCode.InvalidRequest, refusalText(about, came), { about, headers })
}
