/** Lists of hosts, origins and headers as people write them: read where the meaning is clear, refused otherwise. */

import { bracketed, LOCAL_NAMES } from './host-name.ts'

/**
 * Host names as requests name them: lower case, without scheme, port and slash.
 * @throws TypeError that names the setting and the value
 */
export function readHosts(list: readonly string[] | '*'): readonly string[] | '*' {
  if (list === '*' || list.includes('*')) return '*'
  return list.map((text) => {
    const host = bracketed(text.trim().replace(/^https?:\/\//i, ''))
    const url = /[*@?#\s]/.test(host) ? null : URL.parse(`http://${host}`)
    if (url !== null && url.pathname === '/' && !host.includes('://')) return url.hostname
    const wildcard = text.includes('*') ? ' A * stands alone: list each name.' : ''
    throw new TypeError(
      `ALLOWED_HOSTS must have host names, such as mcp.example.com, or *; ${JSON.stringify(text)} is none.${wildcard}`,
    )
  })
}

/**
 * Origins as browsers send them: lower case, without slash and default port. A name without scheme is https, as pages
 * have it; a loopback name is http, too.
 * @throws TypeError that names the setting and the value
 */
export function readOrigins(list: readonly string[] | '*'): readonly string[] | '*' {
  if (list === '*' || list.includes('*')) return '*'
  return list.flatMap((text) => {
    const origin = text.trim().toLowerCase()
    // Pages in a sandbox, and files. Only who lists it means it.
    if (origin === 'null') return [origin]
    if (/[*@?#\s\\]/.test(origin)) throw badOrigin(text)
    if (origin.includes('://')) return [originOf(origin) ?? refuseOrigin(text)]
    const secure = originOf(`https://${bracketed(origin)}`) ?? refuseOrigin(text)
    const isLocal = LOCAL_NAMES.has(new URL(secure).hostname)
    return isLocal ? [originOf(`http://${bracketed(origin)}`) ?? refuseOrigin(text), secure] : [secure]
  })
}

/** The origin of a URL without a path; undefined for another text. */
function originOf(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null || url.host === '' || !/^\/?$/.test(url.pathname)) return undefined
  // Extensions and apps have schemes of their own, for which the URL parser gives no origin.
  return url.origin === 'null' ? `${url.protocol}//${url.host}` : url.origin
}

function refuseOrigin(text: string): never {
  throw badOrigin(text)
}

function badOrigin(text: string): TypeError {
  const wildcard = text.includes('*') ? ' A * stands alone: list each origin.' : ''
  return new TypeError(
    `ALLOWED_ORIGINS must have origins, such as https://app.example.com, or *; ${JSON.stringify(text)} is none.${wildcard}`,
  )
}

/**
 * Names of request headers, in lower case.
 * @throws TypeError that names the setting and the value
 */
export function readHeaderNames(list: readonly string[]): readonly string[] {
  return list.map((text) => {
    const name = text.trim().toLowerCase()
    if (/^[a-z0-9!#$%&'+.^_`|~-]+$/.test(name)) return name
    throw new TypeError(
      `ALLOWED_HEADERS must have names of headers, such as x-api-key; ${JSON.stringify(text)} is none.`,
    )
  })
}
