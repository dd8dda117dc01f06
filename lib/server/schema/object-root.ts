/** The root of a schema: whether the values that fit are objects, and which members they have. */
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import type { JsonSchema } from '../../protocol/types.ts'
import { References, type Resource } from './validator/references.ts'

/** `object`: every value that fits is one, or the author means so. `other`: none is. */
type Root = 'object' | 'other' | 'unknown'

const OF_OBJECTS = ['properties', 'patternProperties', 'additionalProperties', 'required']

/** Finds the root through references, unions and intersections. */
export function rootOf(schema: unknown, references: References, from = references.root, above: unknown[] = []): Root {
  if (schema === false) return 'other'
  if (!isObject(schema) || above.includes(schema)) return 'unknown'
  const resource = references.resourceOf(schema, from)
  const inner = (part: unknown, at: Resource = resource) => rootOf(part, references, at, [...above, schema])
  const target = typeof schema.$ref === 'string' ? references.resolve(schema.$ref, resource) : undefined
  const referred = typeof target === 'object' ? inner(target.schema, target.resource) : 'unknown'
  if (schema.$ref !== undefined && resource.dialect === 'draft-07') return referred
  const all = [referred, typesOf(schema.type), ...listOf(schema.allOf).map((part) => inner(part))]
  for (const key of ['anyOf', 'oneOf']) {
    const roots = new Set(listOf(schema[key]).map((part) => inner(part)))
    if (roots.size === 1) all.push(...roots)
  }
  if (all.includes('other')) return 'other'
  return all.includes('object') || OF_OBJECTS.some((key) => schema[key] !== undefined) ? 'object' : 'unknown'
}

function typesOf(type: unknown): Root {
  if (type === undefined) return 'unknown'
  const types: readonly unknown[] = Array.isArray(type) ? type : [type]
  if (!types.includes('object')) return 'other'
  return types.length === 1 ? 'object' : 'unknown'
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

/**
 * The schema with `type: "object"`, as the official SDK lists it. A schema without keywords is one of an object with any
 * members.
 */
export function withObjectType(schema: JsonSchema): JsonSchema {
  if (schema.type === 'object') return schema
  if (Object.keys(schema).length === 0) return { type: 'object', properties: {} }
  return schema.type === undefined ? { type: 'object', ...schema } : { ...schema, type: 'object' }
}

interface Members {
  properties: JsonObject
  required: string[]
}

/**
 * The members of an object, also those that references and intersections lead to.
 *
 * @param alternatives also those of unions. One is required there where each alternative requires it.
 */
export function membersOf(schema: JsonSchema, alternatives: boolean): Members {
  const references = new References(schema, 'The schema')
  const collect = (part: unknown, from: Resource, above: unknown[]): Members => {
    const members: Members = { properties: {}, required: [] }
    if (!isObject(part) || above.includes(part)) return members
    const resource = references.resourceOf(part, from)
    const add = (each: unknown, at = resource) => collect(each, at, [...above, part])
    const target = typeof part.$ref === 'string' ? references.resolve(part.$ref, resource) : undefined
    const all = listOf(part.allOf).map((each) => add(each))
    if (typeof target === 'object') all.push(add(target.schema, target.resource))
    const required = listOf(part.required).filter((name) => typeof name === 'string')
    if (isObject(part.properties)) all.unshift({ properties: part.properties, required })
    for (const list of alternatives ? [listOf(part.anyOf), listOf(part.oneOf)] : []) {
      const each = list.map((branch) => add(branch))
      const shared = each[0]?.required.filter((name) => each.every((branch) => branch.required.includes(name)))
      all.push(...each.map(({ properties }) => ({ properties, required: shared ?? [] })))
    }
    for (const { properties, required } of all) {
      // The first one to name a member has its text and its place.
      members.properties = { ...members.properties, ...properties, ...members.properties }
      members.required = [...new Set([...members.required, ...required])]
    }
    return members
  }
  return collect(schema, references.root, [])
}
