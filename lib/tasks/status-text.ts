/** The status message of a task: the newest of what its handler reported. */
import type { JsonObject } from '../protocol/jsonrpc.ts'
import { MAX_MESSAGE } from './terms.ts'

/** Undefined: the notification says nothing about the task. */
export function statusText(method: string, params: JsonObject): string | undefined {
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
