/**
 * Schemas as an author writes them, compiled once: JSON Schema for the lists, and a function that checks a value.
 *
 * Any library that implements Standard Schema with its JSON Schema part will do (zod 4, arktype; valibot through
 * `toStandardJsonSchema` of @valibot/to-json-schema), and so will a plain JSON Schema object of draft-07, 2019-09 or 2020-12.
 */
import type { JsonObject } from '../../protocol/jsonrpc.ts'
import type { JsonSchema } from '../../protocol/types.ts'
import { type Check, type Checked, describeProblems, guarded, MAX_PROBLEMS } from './check.ts'
import { assertUsable, jsonSchemaCheck } from './json-schema.ts'
import { rootOf, withObjectType } from './object-root.ts'
import { hintFor, isOldZod } from './vendors.ts'

/** The parts of standardschema.dev that are used here. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly jsonSchema: {
      readonly input: (options: { target: 'draft-2020-12' }) => JsonObject
      readonly output: (options: { target: 'draft-2020-12' }) => JsonObject
    }
  }
}

type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The type of `inputSchema`, `outputSchema`, `argsSchema` and the schema of `ctx.elicit`. */
export type Schema = StandardSchema | JsonSchema

type TypesOf<S> = S extends { readonly '~standard': { readonly types?: infer T } } ? NonNullable<T> : never

/** The type after parsing, which a handler gets. The type checker cannot read a plain JSON Schema. */
export type OutputOf<S> = S extends StandardSchema ? (TypesOf<S> extends { output: infer O } ? O : unknown) : JsonObject

/** The type before parsing, which a handler returns. */
export type InputOf<S> = S extends StandardSchema ? (TypesOf<S> extends { input: infer I } ? I : unknown) : unknown

export interface CompiledSchema {
  /** JSON Schema as the lists show it: the root of an object has `type: "object"`. */
  json: JsonSchema
  /** Returns a promise only where the library does, or while the validator of plain schemas is being loaded. */
  check: Check
}

function isStandardSchema(schema: unknown): schema is StandardSchema {
  if ((typeof schema !== 'object' && typeof schema !== 'function') || schema === null) return false
  const standard = (schema as { '~standard'?: unknown })['~standard']
  return typeof standard === 'object' && standard !== null
}

/**
 * Compiles a schema.
 *
 * @param direction the side of a parsing schema that the client sees: `input` for arguments, which are an object always,
 *   `output` for results, which may be any value
 * @param what the name of the schema in errors
 * @throws TypeError for a schema that cannot be shown as JSON Schema, refers to the network, is in an unknown dialect, or
 *   of an input that no object fits
 */
export function compileSchema(schema: Schema, direction: 'input' | 'output', what: string): CompiledSchema {
  const standard = isStandardSchema(schema)
  if (!standard && isOldZod(schema)) throw new TypeError(`${what}: ${refusal('zod', schema)}`)
  const given = standard ? convert(schema, direction, what) : schema
  const root = rootOf(given, assertUsable(given, what))
  if (direction === 'input' && root === 'other') {
    throw new TypeError(`${what} must describe an object: the root has another "type", and arguments are an object.`)
  }
  // Arguments are an object, whether the schema says so or not.
  const json = root === 'object' || direction === 'input' ? withObjectType(given) : given
  return { json, check: guarded(standard ? standardCheck(schema) : jsonSchemaCheck(json)) }
}

function refusal(vendor: string, schema: object): string {
  return `this ${vendor} schema cannot give JSON Schema.${hintFor(vendor, schema)}`
}

/** The JSON Schema of a library's schema. */
function convert(schema: StandardSchema, direction: 'input' | 'output', what: string): JsonSchema {
  const { jsonSchema, vendor } = schema['~standard']
  if (typeof jsonSchema?.[direction] !== 'function') {
    throw new TypeError(`${what}: ${refusal(vendor, schema)}`)
  }
  try {
    return jsonSchema[direction]({ target: 'draft-2020-12' })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new TypeError(`${what} cannot be written as JSON Schema: ${why}`, { cause })
  }
}

function standardCheck(schema: StandardSchema): Check {
  const standard = schema['~standard']
  return (value) => {
    const result = standard.validate(value)
    return result instanceof Promise ? result.then(outcome) : outcome(result)
  }
}

function outcome(result: StandardResult<unknown>): Checked {
  if (result.issues === undefined) return { ok: true, value: result.value }
  const { issues } = result
  // Paths have names that the client chose: thousands of long ones would take longer to write than the check took.
  const listed = issues.slice(0, MAX_PROBLEMS).map((issue) => [pathText(issue.path), issue.message] as const)
  return { ok: false, problems: describeProblems(listed, issues.length) }
}

function pathText(path: StandardIssue['path']): string {
  return (path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
}
