/** JSON-RPC 2.0 as MCP uses it: the types of messages, and writing replies. `read.ts` reads messages. */
import { memoize } from '../base/memo.ts'
import { resultJson, toJson } from '../base/to-json.ts'
import { MAX_ID } from './bounds.ts'

/** A request id: a string or an integer, never null. `1` and `"1"` are different ids. */
export type RequestId = string | number

export interface JsonObject {
  [key: string]: unknown
}

export interface JsonRpcRequest {
  jsonrpc: '2.0'
  id: RequestId
  method: string
  params?: JsonObject
}

export interface JsonRpcNotification {
  jsonrpc: '2.0'
  method: string
  params?: JsonObject
}

export interface JsonRpcErrorObject {
  code: number
  message: string
  data?: unknown
}

export interface JsonRpcResponse {
  jsonrpc: '2.0'
  id?: RequestId
  result?: JsonObject
  error?: JsonRpcErrorObject
}

/** A message of a body with its kind, which is found once, when the message is read. */
export type Message =
  | { kind: 'request'; request: JsonRpcRequest }
  | { kind: 'notification'; notification: JsonRpcNotification }
  | { kind: 'response'; response: JsonRpcResponse }

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isRequestId(value: unknown): value is RequestId {
  return (
    (typeof value === 'string' && value.length <= MAX_ID && value.isWellFormed()) ||
    (typeof value === 'number' && Number.isSafeInteger(value))
  )
}

/** The id with its type, for keys: the ids `1` and `"1"` have different keys. */
export function typedId(id: RequestId): string {
  return typeof id === 'number' ? `n:${id}` : `s:${id}`
}

/** The reverse of {@link typedId}. */
export function untypedId(text: string): RequestId {
  return text.startsWith('n:') ? Number(text.slice(2)) : text.slice(2)
}

/** The result of a request. */
export type Result = JsonObject | RawJson

/** JSON that is ready to be sent: a result that was serialized once and is used again (lists). */
export class RawJson {
  readonly text: string
  #responses: ((id: string) => Uint8Array) | undefined

  constructor(text: string) {
    this.text = text
  }

  /** The response with this result, in UTF-8. Kept for a few ids: clients begin to count at the same number. */
  response(id: RequestId): Uint8Array {
    this.#responses ??= memoize((text) => Buffer.from(response(text, this.text)), 4)
    return this.#responses(JSON.stringify(id))
  }
}

/** The length from which the responses of a ready result are kept, in characters. */
const LONG = 4_096

/** The bytes of {@link resultText} for a long result that is ready: encoding would be most of the work. */
export function resultBytes(id: RequestId, result: Result): (() => Uint8Array) | undefined {
  return result instanceof RawJson && result.text.length >= LONG ? () => result.response(id) : undefined
}

/** The text of a successful response. @throws NotJson */
export function resultText(id: RequestId, result: Result): string {
  return response(JSON.stringify(id), result instanceof RawJson ? result.text : resultJson(result))
}

function response(id: string, result: string): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${result}}`
}

/** The text of an error response. Without an id the member is left out. @throws NotJson */
export function errorText(error: JsonRpcErrorObject, id?: RequestId): string {
  const head = id === undefined ? '' : `"id":${JSON.stringify(id)},`
  return `{"jsonrpc":"2.0",${head}"error":${toJson(error, 'error')}}`
}

/** The text of a notification. @throws NotJson */
export function notificationText(method: string, params?: JsonObject): string {
  return toJson(params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params })
}
