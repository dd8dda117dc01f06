/** What a task says of itself: the newest of what its handler reported. */
import type { JsonObject } from '../protocol/jsonrpc.ts'
import type { TaskKeep } from '../store/tasks.ts'
import type { TaskRequest } from './engine-types.ts'
import { MAX_MESSAGE } from './terms.ts'

/** What the store keeps of a notification of the handler. Undefined: it says nothing about the task. */
export function saidBy(
  { session, params: given }: TaskRequest,
  method: string,
  params: JsonObject,
): Pick<TaskKeep, 'message' | 'progress'> | undefined {
  const message = statusText(method, params)
  if (message === undefined) return undefined
  const { progressToken } = { ...(given?._meta as JsonObject | undefined) }
  // In sessions a token is good for as long as its task lives. Without sessions tasks have no progress but their status.
  const isWanted = method === 'notifications/progress' && session !== undefined && progressToken !== undefined
  return isWanted ? { message, progress: JSON.stringify(params) } : { message }
}

/** Undefined: the notification says nothing about the task. */
function statusText(method: string, params: JsonObject): string | undefined {
  if (method === 'notifications/message') return shown(params.data)
  if (method !== 'notifications/progress') return undefined
  const { progress, total, message } = params
  if (typeof message === 'string' && message !== '') return shown(message)
  return total === undefined ? `${progress}` : `${progress} of ${total}`
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE - 1)}…` : text
}
