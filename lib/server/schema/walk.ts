/** Walking a JSON Schema. */
import { isObject } from '../../protocol/jsonrpc.ts'
import type { JsonSchema } from '../../protocol/types.ts'

const WITH_PARTS = ['items', 'contains', 'additionalProperties', 'propertyNames', 'contentSchema']
const WITH_REST = ['unevaluatedItems', 'unevaluatedProperties']
const WITH_SCHEMA = [...WITH_PARTS, ...WITH_REST, 'if', 'then', 'else', 'not']
const WITH_LIST = ['prefixItems', 'allOf', 'anyOf', 'oneOf']
const WITH_MAP = ['patternProperties', 'dependentSchemas', '$defs', 'definitions']

/** `path`: the names of the `properties` that lead to the schema; undefined where another keyword is on the way. */
type Visit = (schema: JsonSchema, path: readonly string[] | undefined) => void

/** Visits a schema and every schema in it. */
export function walkSchema(schema: JsonSchema, visit: Visit): void {
  walk(schema, [], visit)
}

function walk(schema: unknown, path: readonly string[] | undefined, visit: Visit): void {
  if (!isObject(schema)) return
  visit(schema, path)
  for (const [name, value] of entries(schema.properties)) walk(value, path && [...path, name], visit)
  for (const key of WITH_SCHEMA) walk(schema[key], undefined, visit)
  for (const key of WITH_MAP) for (const [, value] of entries(schema[key])) walk(value, undefined, visit)
  for (const key of WITH_LIST) {
    const list = schema[key]
    if (Array.isArray(list)) for (const value of list) walk(value, undefined, visit)
  }
}

function entries(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : []
}
