/**
 * Schemas as an author writes them, compiled once: JSON Schema for the lists, and a function that checks a value.
 *
 * A schema is one of a library, a shape whose fields are such schemas, or a plain JSON Schema of draft-07, 2019-09 or 2020-12.
 * A library that has Standard Schema with its JSON Schema part (zod 4.2, arktype) needs nothing else; `converters.ts` writes
 * the schemas of others.
 */
import type { JsonSchema } from '../../protocol/types.ts'
import { BUNDLED } from './bundled.ts'
import { type Check, type Checked, guarded } from './check.ts'
import { assertPlain, assertUsable, jsonSchemaCheck } from './json-schema.ts'
import { isLibrarySchema, isShape, isStandardSchema } from './kinds.ts'
import { validateBy } from './library.ts'
import { compileShape, convert } from './more.ts'
import { rootOf, withObjectType } from './object-root.ts'
import { problemsOf } from './problems.ts'
import type { AnySchema, Direction, Schema, StandardResult, ToJsonSchema } from './types.ts'

export type { AnySchema, InputOf, OutputOf, RawShape, Schema, StandardSchema, ToJsonSchema } from './types.ts'

export interface CompiledSchema {
  /** JSON Schema as the lists show it: the root of an object has `type: "object"`. */
  json: JsonSchema
  /** Returns a promise only where the library does, or while the validator of plain schemas is being loaded. */
  check: Check
}

/**
 * Compiles a schema.
 *
 * @param direction the side of a parsing schema that the client sees: `input` for arguments, which are an object always,
 *   `output` for results, which may be any value
 * @param what the name of the schema in errors
 * @param toJsonSchema writes schemas of libraries that cannot do it themselves
 * @throws TypeError for a schema that cannot be shown as JSON Schema, refers to the network, is in an unknown dialect, or
 *   of an input that no object fits
 */
export function compileSchema(
  schema: Schema,
  direction: Direction,
  what: string,
  toJsonSchema?: ToJsonSchema,
): CompiledSchema {
  const library = {
    validateBy,
    jsonOf: (given: AnySchema, name: string) => jsonOf(given, direction, name, toJsonSchema),
  }
  if (isLibrarySchema(schema)) {
    const validate = validateBy(schema)
    const check: Check = (value) => {
      const result = validate(value)
      return result instanceof Promise ? result.then(outcome) : outcome(result)
    }
    return { json: listed(library.jsonOf(schema, what), direction, what), check: guarded(check) }
  }
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    throw new TypeError(`${what} must be a schema: one of a library, a shape of such schemas, or a JSON Schema object.`)
  }
  if (isShape(schema)) {
    const { json, check } = compileShape(schema, direction, what, library)
    return { json: listed(json, direction, what), check: guarded(check) }
  }
  assertPlain(schema as JsonSchema, what)
  const json = listed(schema as JsonSchema, direction, what)
  return { json, check: guarded(jsonSchemaCheck(json)) }
}

/** The JSON Schema for the lists. */
function listed(given: JsonSchema, direction: Direction, what: string): JsonSchema {
  const root = rootOf(given, assertUsable(given, what))
  if (direction === 'input' && root === 'other') {
    throw new TypeError(`${what} must describe an object: the root has another "type", and arguments are an object.`)
  }
  // Arguments are an object, whether the schema says so or not.
  return root === 'object' || direction === 'input' ? withObjectType(given) : given
}

/** The JSON Schema of a library's schema: its own, or that of a converter. */
function jsonOf(schema: AnySchema, direction: Direction, what: string, own: ToJsonSchema | undefined): JsonSchema {
  let cause: unknown
  const write = isStandardSchema(schema) ? schema['~standard'].jsonSchema?.[direction] : undefined
  if (write !== undefined) {
    try {
      return write({ target: 'draft-2020-12' })
    } catch (error) {
      cause = error
    }
  }
  return convert(schema, direction, what, { own, bundled: BUNDLED, cause })
}

function outcome(result: StandardResult<unknown>): Checked {
  return result.issues === undefined
    ? { ok: true, value: result.value }
    : { ok: false, problems: problemsOf(result.issues) }
}
