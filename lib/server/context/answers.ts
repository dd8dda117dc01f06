/** The client's answers to asks, read where they enter: from a session's client, and from `inputResponses`. */
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import { ANSWERS, type Members, mend } from '../../protocol/leniency.ts'

const ACTIONS: readonly unknown[] = ['accept', 'decline', 'cancel']

/**
 * Reads an answer to an ask of this method. The answer is changed where a member stands for an absent one.
 *
 * @returns the answer, or a sentence that names what is wrong
 */
export function readAnswer(method: string, value: unknown): JsonObject | string {
  if (!isObject(value)) return 'it must be an object.'
  const rules: Readonly<Record<string, Members>> = ANSWERS
  if (Object.hasOwn(rules, method)) mend(value, rules[method] ?? {})
  return problemOf(method, value) ?? value
}

function problemOf(method: string, value: JsonObject): string | undefined {
  switch (method) {
    case 'elicitation/create':
      if (!ACTIONS.includes(value.action)) return '"action" must be "accept", "decline" or "cancel".'
      return value.content === undefined || isObject(value.content) ? undefined : '"content" must be an object.'
    case 'sampling/createMessage':
      if (!isText(value.model)) return '"model" must be a string.'
      if (!isText(value.role)) return '"role" must be a string.'
      return isContent(value.content) ? undefined : '"content" must be a block with a "type", or an array of blocks.'
    case 'roots/list':
      if (!Array.isArray(value.roots)) return '"roots" must be an array.'
      return value.roots.every((root) => isObject(root) && isText(root.uri)) ? undefined : 'each root needs a "uri".'
    default:
      return undefined
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
