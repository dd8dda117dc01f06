/** Walking a JSON Schema of any dialect. */
import { isObject } from '../../../protocol/jsonrpc.ts'
import type { JsonSchema } from '../../../protocol/types.ts'

const WITH_PARTS = ['items', 'additionalItems', 'contains', 'additionalProperties', 'propertyNames', 'contentSchema']
const WITH_REST = ['unevaluatedItems', 'unevaluatedProperties']
const WITH_LIST = ['prefixItems', 'allOf', 'anyOf', 'oneOf']
/** The value is a schema or a list of schemas. */
const WITH_SCHEMA = [...WITH_PARTS, ...WITH_REST, 'if', 'then', 'else', 'not', ...WITH_LIST]
const WITH_MAP = ['patternProperties', 'dependentSchemas', 'dependencies', '$defs', 'definitions']

/** Keywords whose value may be an object. */
export const KEYWORDS_OF_OBJECTS: ReadonlySet<string> = new Set([
  ...['properties', 'dependentRequired', 'const', 'default', '$vocabulary'],
  ...WITH_SCHEMA,
  ...WITH_MAP,
])

/** `path`: the names of the `properties` that lead to the schema; undefined where another keyword is on the way. */
type Visit = (schema: JsonSchema, path: readonly string[] | undefined) => void

/** Visits a schema and every schema in it. */
export function walkSchema(schema: JsonSchema, visit: Visit): void {
  walk(schema, [], visit)
}

function walk(schema: JsonSchema, path: readonly string[] | undefined, visit: Visit): void {
  visit(schema, path)
  for (const part of partsOf(schema, true)) walk(part, undefined, visit)
  for (const [name, value] of entries(schema.properties))
    if (isObject(value)) walk(value, path && [...path, name], visit)
}

/** The schemas directly in a schema. */
export function* partsOf(schema: JsonSchema, butProperties = false): Iterable<JsonSchema> {
  if (!butProperties) for (const [, value] of entries(schema.properties)) if (isObject(value)) yield value
  for (const key of WITH_SCHEMA) {
    const value = schema[key]
    for (const part of Array.isArray(value) ? value : [value]) if (isObject(part)) yield part
  }
  for (const key of WITH_MAP) for (const [, value] of entries(schema[key])) if (isObject(value)) yield value
}

function entries(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : []
}
