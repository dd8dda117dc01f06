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
  if (type === 'resource') return contentsFault(block.resource, `${place}.resource`) ?? metaFault(block, place)
  const members = Object.hasOwn(MEMBERS, type) ? MEMBERS[type] : undefined
  if (members === undefined) return `${place}.type is ${JSON.stringify(type.slice(0, 50))} and must be ${TYPES}.`
  for (const name of members) {
    if (typeof block[name] !== 'string') return textFault(block[name], `${place}.${name}`)
  }
  return optionalTextFault(block.mimeType, `${place}.mimeType`) ?? metaFault(block, place)
}

/** The values of `type`, as the end of a sentence. */
const TYPES = `one of ${[...Object.keys(MEMBERS), 'resource'].map((type) => `"${type}"`).join(', ')}`

function optionalTextFault(value: unknown, place: string): string | undefined {
  return value === undefined ? undefined : textFault(value, place)
}

function metaFault({ _meta, annotations }: JsonObject, place: string): string | undefined {
  if (annotations !== undefined && !isObject(annotations)) return objectFault(annotations, `${place}.annotations`)
  return _meta === undefined ? undefined : objectFault(_meta, `${place}._meta`)
}

function contentsFault(contents: unknown, place: string): string | undefined {
  if (!isObject(contents)) return objectFault(contents, place)
  const { uri, text, blob } = contents
  if (text === undefined && blob === undefined)
    return `${place}.text is undefined and must be a string, or "blob" must be.`
  return (
    textFault(uri, `${place}.uri`) ??
    textFault(text ?? blob, `${place}.${text === undefined ? 'blob' : 'text'}`) ??
    optionalTextFault(contents.mimeType, `${place}.mimeType`) ??
    metaFault(contents, place)
  )
}

function messageFault(message: unknown, place: string): string | undefined {
  if (!isObject(message)) return objectFault(message, place)
  const { role } = message
  if (role !== 'user' && role !== 'assistant') {
    const found = typeof role === 'string' ? JSON.stringify(role.slice(0, 50)) : kindOf(role)
    return `${place}.role is ${found} and must be "user" or "assistant".`
  }
  return blockFault(message.content, `${place}.content`)
}

function listedFault(resource: unknown, place: string): string | undefined {
  if (!isObject(resource)) return objectFault(resource, place)
  return (
    textFault(resource.uri, `${place}.uri`) ??
    textFault(resource.name, `${place}.name`) ??
    optionalTextFault(resource.mimeType, `${place}.mimeType`) ??
    metaFault(resource, place)
  )
}

function definitionFault(definition: unknown, place: string): string | undefined {
  if (!isObject(definition)) return objectFault(definition, place)
  return (
    textFault(definition.name, `${place}.name`) ??
    optionalTextFault(definition.description, `${place}.description`) ??
    metaFault(definition, place)
  )
}

function toolFault(tool: unknown, place: string): string | undefined {
  const fault = definitionFault(tool, place)
  if (fault !== undefined || !isObject(tool)) return fault
  const { inputSchema, outputSchema } = tool
  if (!isObject(inputSchema)) return objectFault(inputSchema, `${place}.inputSchema`)
  if (inputSchema.type !== 'object') return `${place}.inputSchema.type must be "object".`
  return outputSchema === undefined ? undefined : objectFault(outputSchema, `${place}.outputSchema`)
}

/** The first fault of a tool's result. */
export function toolResultFault(value: unknown): string | undefined {
  if (!isObject(value)) return `it is ${kindOf(value)} and must be an object.`
  const { content, isError, _meta } = value
  if (isError !== undefined && typeof isError !== 'boolean') {
    return `isError is ${kindOf(isError)} and must be true or false.`
  }
  if (_meta !== undefined && !isObject(_meta)) return objectFault(_meta, '_meta')
  if (content === undefined) {
    return value.structuredContent === undefined ? 'it has neither "content" nor "structuredContent".' : undefined
  }
  return listFault(content, 'content', blockFault)
}

const required =
  (member: string, fault: (item: unknown, place: string) => string | undefined) =>
  (value: unknown, owner: string): asserts value is JsonObject => {
    const found = isObject(value)
      ? (listFault(value[member], member, fault) ??
        optionalTextFault(value.description, 'description') ??
        (value._meta === undefined ? undefined : objectFault(value._meta, '_meta')))
      : objectFault(value, 'it')
    if (found !== undefined) throw new TypeError(`${owner} returned no valid result: ${found}`)
  }

type Require = (value: unknown, owner: string) => asserts value is JsonObject

/** @throws TypeError for a result of a resource that the client could not read */
export const requireContents: Require = required('contents', contentsFault)
/** @throws TypeError for a list of the resources of a template that the client could not read */
export const requireListed: Require = required('resources', listedFault)
/** @throws TypeError for a result of a prompt that the client could not read */
export const requireMessages: Require = required('messages', messageFault)
/** @throws TypeError for a list of tools that the client could not read */
export const requireTools: Require = required('tools', toolFault)
/** @throws TypeError for a list of prompts that the client could not read */
export const requirePrompts: Require = required('prompts', definitionFault)
/** @throws TypeError for a list of templates that the client could not read */
export const requireTemplates: Require = required('resourceTemplates', (template, place) =>
  isObject(template)
    ? (textFault(template.uriTemplate, `${place}.uriTemplate`) ?? definitionFault(template, place))
    : objectFault(template, place),
)
/** @throws TypeError for a list of completion values that the client could not read */
export function requireValues(values: unknown, owner: string): asserts values is string[] {
  const fault = listFault(values, 'completion.values', textFault)
  if (fault !== undefined) throw new TypeError(`${owner} returned no valid result: ${fault}`)
}
