/** What differs between a request of a client and the same request on the stdin of a process, and which messages are the session's. */
import { isObject, type JsonObject } from '../../../../protocol/jsonrpc.ts'

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

/** The stateless revision puts answers and its state into the parameters of these. */
const WITH_ANSWERS: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read'])

/** The parameters for the process: with its own progress token, and without what belongs to the endpoint. */
export function wireParams(method: string, params: JsonObject, id: number): JsonObject {
  let wire = params
  if (isObject(params._meta) && params._meta.progressToken !== undefined) {
    wire = { ...params, _meta: { ...params._meta, progressToken: `${TOKEN}${id}` } }
  }
  if (!WITH_ANSWERS.has(method)) return wire
  const { inputResponses: _responses, requestState: _state, task: _task, ...rest } = wire
  return rest
}
