/** Schemas of results. The client checks the JSON that it gets, so that JSON is what is checked here. */
import { toJson } from '../../base/to-json.ts'
import type { Check, Checked } from './check.ts'
import { isPlain } from './kinds.ts'
import { type CompiledSchema, compileSchema, type Schema, type ToJsonSchema } from './schema.ts'

/**
 * Compiles the schema of a result. Its check takes a value that `JSON.stringify` writes otherwise (members that are
 * undefined, dates, other objects with `toJSON`) as the JSON that it becomes. A schema of a library may turn such a value
 * into JSON itself, so it gets the value first.
 *
 * @param what the name of the schema in errors
 * @param toJsonSchema writes schemas of libraries that cannot do it themselves
 * @throws TypeError as compileSchema does; the check throws NotJson for a value that JSON cannot hold
 */
export function compileOutputSchema(schema: Schema, what: string, toJsonSchema?: ToJsonSchema): CompiledSchema {
  const { json, check } = compileSchema(schema, 'output', what, toJsonSchema)
  return { json, check: isPlain(schema) ? (value) => check(asSent(value)) : valueThenJson(check) }
}

function valueThenJson(check: Check): Check {
  const settle = (value: unknown, outcome: Checked) => (outcome.ok || isJson(value, 0) ? outcome : check(asSent(value)))
  return (value) => {
    const outcome = check(value)
    return outcome instanceof Promise ? outcome.then((checked) => settle(value, checked)) : settle(value, outcome)
  }
}

function asSent(value: unknown): unknown {
  return isJson(value, 0) ? value : JSON.parse(toJson(value, 'structuredContent'))
}

/** Levels that are searched. A deeper value, or one that contains itself, is written instead. */
const MAX_DEPTH = 100

/** True if `value` is JSON as it is, so that writing and reading it would change nothing. */
function isJson(value: unknown, depth: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || depth > MAX_DEPTH || 'toJSON' in value) return false
  if (Array.isArray(value)) {
    // By number: `every` leaves holes out.
    for (let at = 0; at < value.length; at++) if (!isJson(value[at], depth + 1)) return false
    return true
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  return Object.values(value).every((member) => isJson(member, depth + 1))
}
