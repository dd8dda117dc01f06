/** The hosts, origins and headers of the environment, as requests have them. */
import type { OriginOptions } from '../http/origin.ts'
import { readHeaderNames, readHosts, readOrigins } from '../http/origin-lists.ts'
import { rareText } from './rare-texts.ts'

type WebAccess = Pick<OriginOptions, 'allowedHosts' | 'allowedOrigins'>

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
  if (given.allowedHeaders) readHeaderNames(given.allowedHeaders)
  const allowedOrigins = given.allowedOrigins && readOrigins(given.allowedOrigins)
  const allowedHosts = given.allowedHosts ? readHosts(given.allowedHosts) : local ? 'local' : undefined
  if (allowedHosts === '*' && local && !authorized) throw new TypeError(rareText('rebinding'))
  return { allowedHosts, allowedOrigins }
}
