/** The messages of JSON-RPC, as far as the page looks into them. */
import { isObject, type Json, type JsonObject } from './forms/json.ts'

export interface Message extends JsonObject {
  id?: string | number
  method?: string
  params?: JsonObject
  result?: Json
  error?: JsonObject
}

/** The messages of a text: one, or those of a batch. */
export function messagesOf(text: string): Message[] {
  try {
    const value: unknown = JSON.parse(text)
    return (Array.isArray(value) ? value : [value]).filter((one): one is Message => isObject(one))
  } catch {
    return []
  }
}

export function isAnswer(message: Message): boolean {
  return message.method === undefined && message.id !== undefined
}

/** What a stateless server asks with its result (2026-07-28). */
export function asksOf({ result }: Message): [key: string, request: JsonObject][] {
  if (!isObject(result) || result.resultType !== 'input_required' || !isObject(result.inputRequests)) return []
  return Object.entries(result.inputRequests).filter((entry): entry is [string, JsonObject] => isObject(entry[1]))
}

/** A few words for the list of messages. @param answers the method of the request that the message answers */
export function summaryOf(message: Message, answers = ''): string {
  if (message.method !== undefined) {
    const { name, uri, message: text } = message.params ?? {}
    const about = [name, uri].find((value) => typeof value === 'string')
    if (message.method === 'notifications/progress') return progressText(message.params ?? {})
    if (about !== undefined) return `${message.method}  ${about}`
    return typeof text === 'string' ? `${message.method}  ${text}` : message.method
  }
  if (message.error) return `error ${message.error.code ?? ''}  ${message.error.message ?? ''}`
  const isFailed = isObject(message.result) && message.result.isError === true
  const kind = asksOf(message).length > 0 ? 'input_required' : isFailed ? 'isError' : ''
  return ['result', answers, kind].filter((word) => word !== '').join('  ')
}

function progressText({ progress, total, message }: JsonObject): string {
  const count = total === undefined ? `${progress}` : `${progress}/${total}`
  return `progress ${count}${typeof message === 'string' ? `  ${message}` : ''}`
}
