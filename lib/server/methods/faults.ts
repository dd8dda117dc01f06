/** What is wrong with the results of an author's functions: texts that name the place and what belongs there. */

import { kindOf } from '../../base/to-json.ts'
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'

/** The members that a block of content must have, all of them texts, by its type. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  text: ['text'],
  image: ['data', 'mimeType'],
  audio: ['data', 'mimeType'],
  resource_link: ['uri', 'name'],
}

function objectFault(value: unknown, place: string): string | undefined {
  return isObject(value) ? undefined : `${place} is ${kindOf(value)} and must be an object.`
}

function textFault(value: unknown, place: string): string | undefined {
  return typeof value === 'string' ? undefined : `${place} is ${kindOf(value)} and must be a string.`
}

function listFault(value: unknown, place: string, fault: (item: unknown, place: string) => string | undefined) {
  if (!Array.isArray(value)) return `${place} is ${kindOf(value)} and must be an array.`
  // By number: the array of an author may have holes, which `entries` of an iterator would show as well.
  for (let at = 0; at < value.length; at++) {
    const found = fault(value[at], `${place}[${at}]`)
    if (found !== undefined) return found
  }
  return undefined
}

function blockFault(block: unknown, place: string): string | undefined {
  if (!isObject(block)) return objectFault(block, place)
  const { type } = block
  if (typeof type !== 'string') return textFault(type, `${place}.type`)
  if (type === 'resource') return contentsFault(block.resource, `${place}.resource`)
  const members = Object.hasOwn(MEMBERS, type) ? MEMBERS[type] : undefined
  for (const name of members ?? []) {
    if (typeof block[name] !== 'string') return textFault(block[name], `${place}.${name}`)
  }
  return undefined
}

function contentsFault(contents: unknown, place: string): string | undefined {
  if (!isObject(contents)) return objectFault(contents, place)
  const { uri, text, blob } = contents
  if (text === undefined && blob === undefined)
    return `${place}.text is undefined and must be a string, or "blob" must be.`
  return textFault(uri, `${place}.uri`) ?? textFault(text ?? blob, `${place}.${text === undefined ? 'blob' : 'text'}`)
}

function messageFault(message: unknown, place: string): string | undefined {
  if (!isObject(message)) return objectFault(message, place)
  return textFault(message.role, `${place}.role`) ?? blockFault(message.content, `${place}.content`)
}

/** The first fault of a tool's result. */
export function toolResultFault(value: unknown): string | undefined {
  if (!isObject(value)) return `it is ${kindOf(value)} and must be an object.`
  const { content } = value
  if (content === undefined) {
    return value.structuredContent === undefined ? 'it has neither "content" nor "structuredContent".' : undefined
  }
  return listFault(content, 'content', blockFault)
}

const required =
  (member: string, fault: (item: unknown, place: string) => string | undefined) =>
  (value: unknown, owner: string): asserts value is JsonObject => {
    const found = isObject(value) ? listFault(value[member], member, fault) : objectFault(value, 'it')
    if (found !== undefined) throw new TypeError(`${owner} returned no valid result: ${found}`)
  }

type Require = (value: unknown, owner: string) => asserts value is JsonObject

/** @throws TypeError for a result of a resource that the client could not read */
export const requireContents: Require = required('contents', contentsFault)
/** @throws TypeError for a result of a prompt that the client could not read */
export const requireMessages: Require = required('messages', messageFault)
/** @throws TypeError for a list of completion values that the client could not read */
export function requireValues(values: unknown): asserts values is string[] {
  const fault = listFault(values, 'completion.values', textFault)
  if (fault !== undefined) throw new TypeError(`The completion returned no valid result: ${fault}`)
}
