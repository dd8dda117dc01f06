/** Request headers, read without objects that a short request does not need. */
import { memoize } from '../base/memo.ts'
import { fetchOptions } from './fetch-options.ts'
import type { HttpRequest } from './request.ts'

export type ReadHeader = (name: string) => string | undefined

/** Reads headers by lower-case name; on Node from the parsed message itself, elsewhere from the Request. */
export function headerReader(c: HttpRequest): ReadHeader {
  const headers = fetchOptions(c).incoming?.headers
  if (!headers) return (name) => c.req.raw.headers.get(name) ?? undefined
  return (name) => {
    const value = headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }
}

export function remoteAddress(c: HttpRequest): string | undefined {
  return fetchOptions(c).incoming?.socket?.remoteAddress
}

export interface Accepted {
  json: boolean
  sse: boolean
}

const BOTH: Accepted = { json: true, sse: true }

/** Each client sends one value, so that few occur. */
const parsed = memoize(parseAccept, 50)

/** The types that the client takes. A missing header accepts both, and a wildcard accepts each type that it covers. */
export function readAccept(value: string | undefined): Accepted {
  return value === undefined || value === '' || value === '*/*' ? BOTH : parsed(value)
}

/** The ranges of an Accept header, each with its parameters, in lower case. */
export function rangesOf(accept: string): string[][] {
  const parts = accept.toLowerCase().split(',')
  return parts.map((part) => part.split(';').map((text) => text.trim()))
}

function parseAccept(value: string): Accepted {
  let json = false
  let sse = false
  for (const [range = '', ...params] of rangesOf(value)) {
    if (params.some((param) => /^q=0(\.0*)?$/.test(param))) continue
    if (range === '*/*') return BOTH
    if (range === 'application/json' || range === 'application/*') json = true
    if (range === 'text/event-stream' || range === 'text/*') sse = true
  }
  return { json, sse }
}

/** The content type that nearly every client sends. */
export const PLAIN_JSON = 'application/json'

export function isJsonType(value: string | undefined): boolean {
  if (value === PLAIN_JSON) return true
  const [type = ''] = (value ?? '').split(';')
  return /^application\/(?:[a-z0-9.+-]+\+)?json$/i.test(type.trim())
}
