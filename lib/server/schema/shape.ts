/** Raw shapes: an object whose fields are schemas, of one library or of several. */
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import type { JsonSchema } from '../../protocol/types.ts'
import type { Check, Checked } from './check.ts'
import { embed } from './embedding.ts'
import { isLibrarySchema, memberOf } from './kinds.ts'
import type { Validate } from './library.ts'
import { optionalOf } from './optional.ts'
import { problemsOf } from './problems.ts'
import type { AnySchema, Direction, RawShape, StandardIssue, StandardResult } from './types.ts'

interface Field {
  name: string
  validate: Validate
  optional: ReturnType<typeof optionalOf>
}

/** What a schema of a library gives. */
interface Library {
  jsonOf(schema: AnySchema, what: string): JsonSchema
  validateBy(schema: AnySchema): Validate
}

interface CompiledShape {
  json: JsonSchema
  check: Check
}

/**
 * Compiles a shape to the schema that `z.object` of the same fields has: members without a field are left out of the value.
 *
 * @throws TypeError for a field that is no schema
 */
export function compileShape(
  shape: RawShape,
  direction: Direction,
  what: string,
  { jsonOf, validateBy }: Library,
): CompiledShape {
  const entries = Object.entries(shape).map(([name, given]) => [name, schemaOf(given, name, what)] as const)
  const fields = entries.map(([name, schema]): Field => {
    const validate = validateBy(schema)
    return { name, validate, optional: optionalOf(schema, validate) }
  })
  if (fields.length === 0 && direction === 'output') {
    return { json: { type: 'object', properties: {} }, check: anyObject }
  }
  const written = entries.map(([name, schema]) => [name, jsonOf(schema, `${what}: "${name}"`)] as const)
  const required = fields.filter(({ optional }) => !optional[direction]).map(({ name }) => name)
  const json: JsonSchema = { ...together(Object.fromEntries(written)) }
  if (required.length > 0) json.required = required
  // As the libraries list an object whose unknown members they leave out: zod 4 in results, zod 3 always.
  if (direction === 'output' || isOfZod3(entries)) json.additionalProperties = false
  return { json, check: shapeCheck(fields) }
}

function schemaOf(given: unknown, name: string, what: string): AnySchema {
  // `completable` of older releases of SDK 1.x puts the schema into one of its own.
  const def = memberOf(given, '_def')
  const schema = memberOf(def, 'typeName') === 'McpCompletable' ? memberOf(def, 'type') : given
  if (isLibrarySchema(schema) && name !== '__proto__') return schema
  const found = isObject(schema) ? 'an object' : schema === undefined ? 'undefined' : JSON.stringify(schema)
  throw new TypeError(
    `${what} has fields, and "${name}" is no schema of a library but ${found}. Each field is one: { name: z.string() }.`,
  )
}

function isOfZod3(entries: readonly (readonly [string, AnySchema])[]): boolean {
  return entries.length > 0 && entries.every(([, schema]) => memberOf(schema, '_def') && !memberOf(schema, '_zod'))
}

/** The root with its properties. Most fields have nothing but keywords, and only a `$schema` at their root. */
function together(fields: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const properties: JsonObject = {}
  const dialects = new Set<unknown>()
  let isSimple = true
  for (const [name, { $schema, ...field }] of Object.entries(fields)) {
    properties[name] = field
    dialects.add($schema)
    isSimple &&= !JSON.stringify(field).includes('"$')
  }
  const [$schema] = dialects
  if (isSimple && dialects.size <= 1) return { ...($schema !== undefined && { $schema }), type: 'object', properties }
  return embed(fields)
}

const NO_OBJECT: Checked = { ok: false, problems: 'An object is needed.' }

/** An `outputSchema` without fields says nothing of its members. */
function anyObject(value: unknown): Checked {
  return isObject(value) ? { ok: true, value } : NO_OBJECT
}

type Result = StandardResult<unknown>

/** Checks at once where all fields do. */
function shapeCheck(fields: readonly Field[]): Check {
  return (value) => {
    if (!isObject(value)) return NO_OBJECT
    const results = fields.map(({ name, validate }) => validate(Object.hasOwn(value, name) ? value[name] : undefined))
    return results.some((result) => result instanceof Promise)
      ? Promise.all(results).then((settled) => join(fields, value, settled))
      : join(fields, value, results as Result[])
  }
}

function join(fields: readonly Field[], value: JsonObject, results: readonly Result[]): Checked {
  const parsed: JsonObject = {}
  const issues: StandardIssue[] = []
  for (const [at, { name, optional }] of fields.entries()) {
    const result = results[at] as Result
    const isPresent = Object.hasOwn(value, name)
    if (!isPresent && optional.missing === 'absent') continue
    if (result.issues !== undefined) {
      if (isPresent || !(optional.input && optional.output))
        issues.push(...result.issues.map((issue) => inField(name, issue)))
    } else if (!isPresent && optional.missing === 'refused') {
      issues.push({ message: 'A value is needed.', path: [name] })
    } else if (isPresent || result.value !== undefined) {
      parsed[name] = result.value
    }
  }
  return issues.length === 0 ? { ok: true, value: parsed } : { ok: false, problems: problemsOf(issues) }
}

function inField(name: string, { message, path = [] }: StandardIssue): StandardIssue {
  return { message, path: [name, ...path] }
}
