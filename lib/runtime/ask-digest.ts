/** Digests of what a client is asked: an answer counts for one method and params, under whichever key. */
import { digest } from '../base/ids.ts'
import { isObject, type JsonObject } from '../protocol/jsonrpc.ts'

/** JSON with the keys of objects in order, so that equal values have the same text. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  // 1e400 parses as Infinity, which JSON.stringify would write as null.
  if (typeof value === 'number') return String(value)
  if (!isObject(value)) return JSON.stringify(value) ?? 'null'
  const members = Object.keys(value).sort()
  return `{${members.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`
}

/** The digest of an ask. */
export function askDigest(method: string, params: JsonObject | undefined): string {
  return digest(`${method}\n${canonical(params ?? {})}`, 12)
}
