/** The client's answers to asks: whether they have the shape that the method asks for. */
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import type { Ask } from './client-channel.ts'

const ACTIONS: readonly unknown[] = ['accept', 'decline', 'cancel']

/**
 * True if `value` can be an answer to an ask of this method. For another value the stateless revision asks again, and a
 * session rejects the ask with an AskError.
 */
export function isAnswer(method: Ask['method'], value: unknown): value is JsonObject {
  if (!isObject(value)) return false
  switch (method) {
    case 'elicitation/create':
      return ACTIONS.includes(value.action) && (value.content === undefined || isObject(value.content))
    case 'sampling/createMessage':
      return typeof value.model === 'string' && typeof value.role === 'string' && isContent(value.content)
    case 'roots/list':
      return Array.isArray(value.roots) && value.roots.every((root) => isObject(root) && isText(root.uri))
    case 'ping':
      return true
  }
}

function isContent(value: unknown): boolean {
  return Array.isArray(value) ? value.every(isBlock) : isBlock(value)
}

function isBlock(value: unknown): boolean {
  return isObject(value) && isText(value.type)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}
