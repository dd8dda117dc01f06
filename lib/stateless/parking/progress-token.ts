/** Each request has a progress token of its own: what a handler sends with that of the first goes to the retry with its own. */
import { isObject, type RequestId } from '../../protocol/jsonrpc.ts'

/** The message for a request with this token. Undefined: it is progress, and the request wants none. */
export function withToken(text: string, token: RequestId | undefined): string | undefined {
  if (!text.includes('"notifications/progress"')) return text
  const message: unknown = JSON.parse(text)
  if (!isObject(message) || message.method !== 'notifications/progress' || !isObject(message.params)) return text
  if (token === undefined) return undefined
  return JSON.stringify({ ...message, params: { ...message.params, progressToken: token } })
}
