/** References in a schema, and schemas that are combined from parts. */
import { isObject, type JsonObject } from './json.ts'

/** References that follow one another. A schema that refers to itself ends there. */
const LONGEST = 10

/**
 * The schema that `given` refers to. What stands beside the reference counts more than what it refers to.
 *
 * @returns undefined for what is no schema with members, and for a reference that leads nowhere
 */
export function resolved(given: unknown, root: unknown): JsonObject | undefined {
  let schema = given
  let beside: JsonObject = {}
  for (let step = 0; step < LONGEST; step++) {
    if (!isObject(schema)) return undefined
    const { $ref, ...others } = schema
    beside = { ...others, ...beside }
    if ($ref === undefined) return beside
    schema = typeof $ref === 'string' ? target($ref, root) : undefined
  }
  return undefined
}

/** A JSON pointer into the schema itself: `#/$defs/note`. */
function target(ref: string, root: unknown): unknown {
  if (ref === '#') return root
  if (!ref.startsWith('#/')) return undefined
  let value = root
  for (const part of ref.slice(2).split('/')) {
    const name = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (Array.isArray(value)) value = value[Number(name)]
    else if (isObject(value) && Object.hasOwn(value, name)) value = value[name]
    else return undefined
  }
  return value
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** A schema with the parts of its `allOf`: members of all of them. */
export function mergeAll(schema: JsonObject | undefined, root: unknown, depth = 0): JsonObject | undefined {
  if (schema === undefined || !Array.isArray(schema.allOf)) return schema
  const { allOf, ...rest } = schema
  let whole: JsonObject = rest
  for (const part of allOf) {
    const known = depth < LONGEST ? mergeAll(resolved(part, root), root, depth + 1) : undefined
    if (known === undefined) return undefined
    whole = merged(whole, known)
  }
  return whole
}

function merged(one: JsonObject, other: JsonObject): JsonObject {
  const whole = { ...other, ...one }
  if (isObject(one.properties) && isObject(other.properties))
    whole.properties = { ...one.properties, ...other.properties }
  if (Array.isArray(one.required) && Array.isArray(other.required)) {
    whole.required = [...new Set([...one.required, ...other.required])]
  }
  return whole
}
