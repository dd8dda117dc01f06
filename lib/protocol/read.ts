/**
 * The one place that reads messages. It is strict, but for the rows of `leniency.ts`: a member has its type, or stands for
 * an absent one in a way that is known, or the message is refused.
 */
import { MAX_ID, requireBounds } from './bounds.ts'
import { invalidParams, invalidRequest, type ProtocolError } from './errors.ts'
import {
  isObject,
  isRequestId,
  type JsonObject,
  type JsonRpcErrorObject,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Message,
  type RequestId,
} from './jsonrpc.ts'
import { mend, REQUEST, RESPONSE } from './leniency.ts'
import type { ProgressToken } from './types.ts'

/**
 * Reads one JSON-RPC message from parsed JSON, which it changes where a member stands for an absent one.
 *
 * @throws ProtocolError -32600, or -32602 for `_meta` and for a member beyond its bound, with the id of the message where
 *   that has a usable one
 */
export function readMessage(value: unknown): Message {
  if (!isObject(value)) throw invalidRequest('A message must be a JSON object.')
  const { id } = value
  const usableId = isRequestId(id) ? id : undefined
  const refuse = (message: string) => invalidRequest(message, usableId)
  if (value.jsonrpc !== '2.0') throw refuse('"jsonrpc" must be "2.0".')
  const isResponse = value.method === undefined || value.method === null
  if (isResponse && value.result === null && isObject(value.error)) delete value.result
  mend(value, isResponse ? RESPONSE : REQUEST)
  const { method, params } = value
  // An id of null in an error means that the client could not read an id (JSON-RPC 2.0, "Response object").
  if (id !== undefined && usableId === undefined && !(id === null && isResponse && value.error !== undefined)) {
    throw refuse(`"id" must be a string of at most ${MAX_ID} Unicode characters or an integer, not null.`)
  }
  if (isResponse) return { kind: 'response', response: readResponse(value, usableId, refuse) }
  if (typeof method !== 'string') throw refuse('"method" must be a string.')
  if (value.result !== undefined || value.error !== undefined) {
    throw refuse('A message with "method" must not have "result" or "error".')
  }
  if (params !== undefined && !isObject(params)) throw refuse('"params" must be an object.')
  requireBounds(method, params, usableId)
  checkMeta(params?._meta, usableId)
  if (usableId === undefined) {
    return { kind: 'notification', notification: value as unknown as JsonRpcNotification }
  }
  return { kind: 'request', request: value as unknown as JsonRpcRequest }
}

function checkMeta(_meta: unknown, id: RequestId | undefined): void {
  if (_meta === undefined) return
  if (!isObject(_meta)) throw invalidParams('"params._meta" must be an object.', id)
  const { progressToken } = _meta
  // A number that is no integer is a token in older schemas. It is ignored: nobody is known to send one.
  if (progressToken === undefined || typeof progressToken === 'string' || typeof progressToken === 'number') return
  throw invalidParams('"params._meta.progressToken" must be a string or an integer.', id)
}

export function isProgressToken(value: unknown): value is ProgressToken {
  return typeof value === 'string' || (typeof value === 'number' && Number.isSafeInteger(value))
}

function readResponse(
  value: JsonObject,
  id: RequestId | undefined,
  refuse: (message: string) => ProtocolError,
): JsonRpcResponse {
  const { result, error } = value
  if (error !== undefined) {
    if (result !== undefined) throw refuse('A response has "result" or "error", not both.')
    if (!isObject(error) || !Number.isInteger(error.code) || typeof error.message !== 'string') {
      throw refuse('"error" needs an integer "code" and a string "message".')
    }
    const read: JsonRpcErrorObject = { code: error.code as number, message: error.message }
    if ('data' in error) read.data = error.data
    return id === undefined ? { jsonrpc: '2.0', error: read } : { jsonrpc: '2.0', id, error: read }
  }
  if (result === undefined) throw refuse('A message needs "method", "result" or "error".')
  if (id === undefined) throw refuse('A response needs the "id" of its request.')
  if (!isObject(result)) throw refuse('"result" must be an object.')
  return { jsonrpc: '2.0', id, result }
}
