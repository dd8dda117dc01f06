/** Makes a field of a JSON Schema. */
import type { ChoicesField, Field, ListField, Member, NumberField, Option, TextField } from './field.ts'
import { isObject, type JsonObject, labelOf } from './json.ts'
import { mergeAll, resolved } from './schema-parts.ts'

/** Levels of a form. What is deeper is entered as JSON. */
const DEEPEST = 6

/** Names of members whose text usually has several lines. */
const LONG_NAME = /text|content|body|message|prompt|markdown|html|code|query|sql|script|instructions|summary|notes?$/i
const LONG = 200

/** @param schema JSON Schema of any draft, as a server sent it: nothing of it is trusted */
export function fieldOf(schema: unknown): Field {
  return read(schema, { root: schema, depth: 0, name: '' })
}

interface Place {
  /** The whole schema, in which references are looked up. */
  root: unknown
  depth: number
  /** The name of the member. */
  name: string
}

function read(given: unknown, place: Place): Field {
  const schema = mergeAll(resolved(given, place.root), place.root)
  if (schema === undefined || place.depth > DEEPEST) return { kind: 'json', ...commonOf(isObject(given) ? given : {}) }
  const common = commonOf(schema)
  if ('const' in schema) return { kind: 'constant', ...common, value: schema.const ?? null }
  if (Array.isArray(schema.enum)) return readEnum(schema, common)
  for (const branches of [schema.oneOf, schema.anyOf]) {
    if (Array.isArray(branches) && branches.length > 0) return readBranches(schema, branches, place)
  }
  return readType(schema, place)
}

type Common = Pick<Field, 'title' | 'description' | 'initial' | 'isNullable'>

function commonOf(schema: JsonObject): Common {
  const { title, description, type } = schema
  return {
    title: textOf(title),
    description: textOf(description),
    initial: schema.default,
    isNullable: schema.nullable === true || (Array.isArray(type) && type.includes('null')),
  }
}

function readEnum(schema: JsonObject, common: Common): Field {
  const names = Array.isArray(schema.enumNames) ? schema.enumNames : []
  const values = Array.isArray(schema.enum) ? schema.enum : []
  const options = values.map((value, i) => ({ value, label: textOf(names[i]) ?? labelOf(value) }))
  const isNullable = common.isNullable || values.includes(null)
  return { kind: 'choice', ...common, isNullable, options: options.filter(({ value }) => value !== null) }
}

function readBranches(schema: JsonObject, branches: readonly unknown[], place: Place): Field {
  const { oneOf: _one, anyOf: _any, ...base } = schema
  const known = branches.map((branch) => mergeAll(resolved(branch, place.root), place.root))
  const given = known.filter((branch) => branch?.type !== 'null')
  const common = commonOf(base)
  const isNullable = common.isNullable || given.length < known.length
  const constants = given.flatMap((branch) => (branch && 'const' in branch ? [optionOf(branch)] : []))
  if (constants.length === given.length) return { kind: 'choice', ...common, isNullable, options: constants }
  const inner = { ...place, depth: place.depth + 1 }
  const fields = given.map((branch) => read(branch && combined(base, branch), inner))
  const [only] = fields
  if (fields.length === 1 && only) {
    const { title = only.title, description = only.description, initial = only.initial } = common
    return { ...only, title, description, initial, isNullable }
  }
  // The description is above all variants.
  const variants = fields.map((field, i) => ({
    label: textOf(given[i]?.title) ?? variantLabel(field, i),
    field: { ...field, title: undefined, description: textOf(given[i]?.description) },
  }))
  return { kind: 'variants', ...common, isNullable, variants }
}

/** A branch with what is beside the branches. */
function combined(base: JsonObject, branch: JsonObject): JsonObject {
  const { title: _title, description: _description, default: _default, ...shared } = base
  return mergeAll({ ...shared, allOf: [branch] }, undefined) ?? branch
}

function variantLabel(field: Field, index: number): string {
  const constant = field.kind === 'object' && field.members.find((member) => member.field.kind === 'constant')
  if (constant && constant.field.kind === 'constant') return labelOf(constant.field.value)
  const words = { text: 'Text', number: 'Number', flag: 'Yes or no', list: 'List', choices: 'List', json: 'JSON' }
  if (field.kind === 'object') return field.members.map(({ name }) => name).join(', ') || `Object ${index + 1}`
  return field.kind in words ? words[field.kind as keyof typeof words] : `Variant ${index + 1}`
}

function readType(schema: JsonObject, place: Place): Field {
  const types = Array.isArray(schema.type) ? schema.type.filter((type) => type !== 'null') : [schema.type]
  const common = commonOf(schema)
  if (types.length > 1) {
    const branches = types.map((type) => ({ ...schema, type }))
    const fields = branches.map((branch) => ({ ...readType(branch, place), title: undefined, description: undefined }))
    return {
      kind: 'variants',
      ...common,
      variants: fields.map((field, i) => ({ label: variantLabel(field, i), field })),
    }
  }
  const [type] = types
  if (type === 'string') return readText(schema, common, place.name)
  if (type === 'number' || type === 'integer') return readNumber(schema, common)
  if (type === 'boolean') return { kind: 'flag', ...common }
  if (type === 'array') return readList(schema, common, place)
  if (type === 'object' || (type === undefined && isObject(schema.properties))) return readObject(schema, common, place)
  return { kind: 'json', ...common }
}

function readText(schema: JsonObject, common: Common, name: string): TextField {
  const { examples } = schema
  const maxLength = numberOf(schema.maxLength)
  const format = textOf(schema.format)
  const pattern = textOf(schema.pattern)
  const isPlain = format === undefined && pattern === undefined
  return {
    kind: 'text',
    ...common,
    format,
    minLength: numberOf(schema.minLength),
    maxLength,
    pattern,
    example: Array.isArray(examples) ? textOf(examples[0]) : undefined,
    isLong: isPlain && (maxLength === undefined ? LONG_NAME.test(name) : maxLength > LONG),
  }
}

function readNumber(schema: JsonObject, common: Common): NumberField {
  const { exclusiveMinimum, exclusiveMaximum } = schema
  const minimum = numberOf(schema.minimum)
  const maximum = numberOf(schema.maximum)
  return {
    kind: 'number',
    ...common,
    isInteger: schema.type === 'integer',
    // In draft 4 they are flags beside the bounds.
    minimum: exclusiveMinimum === true ? undefined : minimum,
    maximum: exclusiveMaximum === true ? undefined : maximum,
    above: exclusiveMinimum === true ? minimum : numberOf(exclusiveMinimum),
    below: exclusiveMaximum === true ? maximum : numberOf(exclusiveMaximum),
    multipleOf: numberOf(schema.multipleOf),
  }
}

function readList(schema: JsonObject, common: Common, place: Place): ListField | ChoicesField | Field {
  const bounds = { minItems: numberOf(schema.minItems), maxItems: numberOf(schema.maxItems) }
  if (!isObject(schema.items) || schema.prefixItems !== undefined) return { kind: 'json', ...common }
  const item = read(schema.items, { ...place, depth: place.depth + 1 })
  if (item.kind === 'choice') return { kind: 'choices', ...common, ...bounds, options: item.options }
  return { kind: 'list', ...common, ...bounds, item }
}

function readObject(schema: JsonObject, common: Common, place: Place): Field {
  const properties = isObject(schema.properties) ? schema.properties : {}
  const required = Array.isArray(schema.required) ? schema.required : []
  const members = Object.entries(properties).map(
    ([name, member]): Member => ({
      name,
      isRequired: required.includes(name),
      field: read(member, { ...place, depth: place.depth + 1, name }),
    }),
  )
  // An object with names of its own is entered as JSON.
  if (members.length === 0 && place.depth > 0 && schema.additionalProperties !== false)
    return { kind: 'json', ...common }
  return { kind: 'object', ...common, members }
}

function optionOf(branch: JsonObject): Option {
  const value = branch.const ?? null
  return { value, label: textOf(branch.title) ?? labelOf(value) }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
