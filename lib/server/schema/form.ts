/**
 * The restricted schema of a form (`requestedSchema`): a flat object of strings, numbers, booleans and choices.
 * Keywords that a form cannot express, such as `pattern`, are left out of it; the answer is still checked against them.
 */
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import { features, type Revision } from '../../protocol/revisions.ts'
import type { JsonSchema } from '../../protocol/types.ts'
import { membersOf } from './object-root.ts'
import { References } from './validator/references.ts'

const FORMATS: readonly unknown[] = ['email', 'uri', 'date', 'date-time']

/** A choice and, where the author gave one, its label. */
interface Choice {
  value: string
  title: string | undefined
}

/**
 * The form of `schema` as the revision has it.
 *
 * @throws TypeError that names the property that no form can ask for
 */
export function formSchema(schema: JsonSchema, revision: Revision): JsonSchema {
  const { properties, required } = membersOf(schema, false)
  const names = Object.keys(properties)
  if (schema.type !== 'object' || (names.length === 0 && schema.properties === undefined)) {
    throw new TypeError('The schema of an elicitation must be an object with properties.')
  }
  const newest = features(revision).elicitationModes
  const references = new References(schema, 'The schema of an elicitation')
  const fields = names.map((name) => [name, field(resolve(properties[name], references), newest, name)])
  return { type: 'object', properties: Object.fromEntries(fields), ...(required.length > 0 && { required }) }
}

/** The property itself, or the part of the schema that it refers to: libraries write a part once that occurs twice. */
function resolve(property: unknown, references: References): unknown {
  if (!isObject(property) || typeof property.$ref !== 'string') return property
  const { $ref, ...own } = property
  const target = references.resolve(String($ref), references.root)
  return typeof target === 'object' && isObject(target.schema) ? { ...target.schema, ...own } : property
}

/** @param newest false for 2025-06-18, which has no defaults but for booleans, no lists and labels as `enumNames` */
function field(property: unknown, newest: boolean, name: string): JsonSchema {
  const schema = isObject(property) ? property : {}
  const head = pick(schema, ['title', 'description'])
  const preset = pick(schema, newest || schema.type === 'boolean' ? ['default'] : [])
  const options = choices(schema)
  if (options !== undefined) {
    return { type: 'string', ...head, ...preset, ...single(options, schema.enumNames, newest) }
  }
  switch (schema.type) {
    case 'boolean':
      return { type: 'boolean', ...head, ...preset }
    case 'string': {
      const format = FORMATS.includes(schema.format) ? pick(schema, ['format']) : {}
      return { type: 'string', ...head, ...preset, ...format, ...pick(schema, ['minLength', 'maxLength']) }
    }
    case 'number':
    case 'integer':
      // Forms have no choice of numbers.
      if (schema.enum !== undefined || schema.const !== undefined) break
      return { type: schema.type, ...head, ...preset, ...bounds(schema) }
    case 'array': {
      const items = isObject(schema.items) ? choices(schema.items) : undefined
      if (items === undefined) break
      if (!newest) throw new TypeError(`"${name}": a choice of several needs a client of 2025-11-25 or newer.`)
      return { type: 'array', ...head, ...preset, ...pick(schema, ['minItems', 'maxItems']), items: several(items) }
    }
  }
  throw new TypeError(`"${name}": a form can ask for strings, numbers, booleans and choices of strings only.`)
}

function pick(schema: JsonSchema, keys: readonly string[]): JsonObject {
  return Object.fromEntries(keys.filter((key) => schema[key] !== undefined).map((key) => [key, schema[key]]))
}

/** The choices of an enumeration, in any of the ways in which libraries write it; undefined for another schema. */
function choices(schema: JsonSchema): Choice[] | undefined {
  if (typeof schema.const === 'string') return [{ value: schema.const, title: undefined }]
  const listed = schema.enum
  if (Array.isArray(listed)) {
    const allText = listed.every((value) => typeof value === 'string')
    return allText ? listed.map((value) => ({ value, title: undefined })) : undefined
  }
  const branches = schema.oneOf ?? schema.anyOf
  if (!Array.isArray(branches) || branches.length === 0) return undefined
  const found = branches.map((branch) => {
    const { const: value, title } = isObject(branch) ? branch : {}
    return typeof value === 'string' ? { value, title: typeof title === 'string' ? title : undefined } : undefined
  })
  return found.every((choice) => choice !== undefined) ? found : undefined
}

function single(options: Choice[], enumNames: unknown, newest: boolean): JsonObject {
  const values = options.map(({ value }) => value)
  const labelled = options.some(({ title }) => title !== undefined)
  if (labelled && newest) return { oneOf: options.map(labelledChoice) }
  if (labelled) return { enum: values, enumNames: options.map(({ value, title }) => title ?? value) }
  return Array.isArray(enumNames) ? { enum: values, enumNames } : { enum: values }
}

function several(options: Choice[]): JsonObject {
  return options.some(({ title }) => title !== undefined)
    ? { anyOf: options.map(labelledChoice) }
    : { type: 'string', enum: options.map(({ value }) => value) }
}

function labelledChoice({ value, title }: Choice): JsonObject {
  return { const: value, title: title ?? value }
}

/**
 * The bounds of a number. Forms have inclusive bounds only; the bounds of safe integers, which libraries add, are left
 * out.
 */
function bounds(schema: JsonSchema): JsonObject {
  const integer = schema.type === 'integer'
  const minimum = bound(schema.minimum, schema.exclusiveMinimum, integer ? 1 : undefined)
  const maximum = bound(schema.maximum, schema.exclusiveMaximum, integer ? -1 : undefined)
  return { ...(minimum === undefined ? {} : { minimum }), ...(maximum === undefined ? {} : { maximum }) }
}

function bound(inclusive: unknown, exclusive: unknown, step: number | undefined): number | undefined {
  const value = typeof exclusive === 'number' ? exclusive + (step ?? 0) : inclusive
  return typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : undefined
}
