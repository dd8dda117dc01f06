/** Tells apart what an author may give as a schema. */
import { isObject } from '../../protocol/jsonrpc.ts'
import type { JsonSchema } from '../../protocol/types.ts'
import type { AnySchema, OldZodSchema, RawShape, StandardSchema } from './types.ts'

export function isStandardSchema(value: unknown): value is StandardSchema {
  const standard = memberOf(value, '~standard')
  return typeof standard === 'object' && standard !== null
}

/** True for a schema of a library, which checks values itself. Some of them are functions. */
export function isLibrarySchema(value: unknown): value is AnySchema {
  return isStandardSchema(value) || isOldZod(value)
}

function isOldZod(value: unknown): value is OldZodSchema {
  return isObject(memberOf(value, '_def')) && typeof memberOf(value, 'safeParse') === 'function'
}

/** True for an object of fields. One without any member has no fields. */
export function isShape(value: object): value is RawShape {
  return Object.values(value).some(isLibrarySchema) || Reflect.ownKeys(value).length === 0
}

/** True for a JSON Schema: no schema of a library, and no shape. */
export function isPlain(schema: object): schema is JsonSchema {
  return !isLibrarySchema(schema) && !isShape(schema)
}

/** A member of an object or a function; undefined for other values. */
export function memberOf(value: unknown, name: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
  return (value as Record<string, unknown>)[name]
}
