/** What differs between a request of a client and the same request on the stdin of a process, and which messages are the session's. */
import { isObject, type JsonObject } from '../../../../protocol/jsonrpc.ts'
import { own } from '../../../../sdk/own-params.ts'

/** The progress tokens of a process begin like this. */
const TOKEN = 'call-'

/** Changes that are the session's, also where a call has made them. */
const OF_SESSION: ReadonlySet<string> = new Set([
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
  'notifications/elicitation/complete',
])

/** True for a notification that belongs to no request. */
export function isOfSession(method: string): boolean {
  return OF_SESSION.has(method)
}

/** The id of the request whose progress token this is; NaN for another token. */
export function idOf(token: unknown): number {
  return typeof token === 'string' && token.startsWith(TOKEN) ? Number(token.slice(TOKEN.length)) : Number.NaN
}

/** The parameters for the process: with its own progress token, and without what belongs to the endpoint. */
export function wireParams(method: string, params: JsonObject, id: number): JsonObject | undefined {
  if (!isObject(params._meta) || params._meta.progressToken === undefined) return own(method, params)
  return own(method, { ...params, _meta: { ...params._meta, progressToken: `${TOKEN}${id}` } })
}
