/** The hosts, origins and headers of the environment, as requests have them. */
import type { OriginOptions } from '../http/origin.ts'
import { readHeaderNames, readHosts, readOrigins } from '../http/origin-options.ts'

export type WebAccess = Pick<OriginOptions, 'allowedHosts' | 'allowedOrigins'>

interface Given {
  allowedHosts: readonly string[] | undefined
  allowedOrigins: readonly string[] | undefined
  allowedHeaders: readonly string[] | undefined
}

/**
 * @param local the process listens on a loopback address
 * @param authorized requests need tokens
 * @throws TypeError with one line for a value that cannot be meant, and for `ALLOWED_HOSTS=*` where it opens this machine
 */
export function readWebAccess(given: Given, local: boolean, authorized: boolean): WebAccess {
  readHeaderNames(given.allowedHeaders ?? [])
  const allowedOrigins = given.allowedOrigins && readOrigins(given.allowedOrigins)
  const allowedHosts = given.allowedHosts ? readHosts(given.allowedHosts) : local ? 'local' : undefined
  if (allowedHosts === '*' && local && !authorized) throw new TypeError(REBINDING)
  return { allowedHosts, allowedOrigins }
}

const REBINDING =
  'ALLOWED_HOSTS is * on a loopback address without authorization: any web page could call this machine (DNS rebinding). ' +
  'List the names, or set AUTH_ISSUER.'

/** The warning for `ALLOWED_ORIGINS=*` on a loopback address without authorization. */
export const EVERY_PAGE =
  'ALLOWED_ORIGINS is * and nobody is asked for a token: every web page that is open on this machine can use every tool.'
