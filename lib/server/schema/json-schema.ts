/** Plain JSON Schema 2020-12: walking a schema, refusing one that cannot be used, and checking values with it. */
import type { OutputUnit, Validator } from '@cfworker/json-schema'
import { isObject } from '../../protocol/jsonrpc.ts'
import type { JsonSchema } from '../../protocol/types.ts'
import { type Check, type Checked, describeProblems } from './check.ts'

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

const WITH_SCHEMA = [
  'items',
  'contains',
  'additionalProperties',
  'propertyNames',
  'if',
  'then',
  'else',
  'not',
  'unevaluatedItems',
  'unevaluatedProperties',
  'contentSchema',
]
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

/**
 * Refuses a schema that would fail, or mean something else, when it is used: one of another dialect, or with a
 * reference that leads out of the schema (no document is ever fetched) or that has no target.
 *
 * @throws TypeError
 */
export function assertUsable(schema: JsonSchema, what: string): void {
  if (!isObject(schema)) throw new TypeError(`${what} must be a schema: a Standard Schema or a JSON Schema object.`)
  const shape = Object.entries(schema).find(([, value]) => isObject(value) && '~standard' in value)
  if (shape !== undefined) {
    throw new TypeError(`${what} is a plain object of schemas ("${shape[0]}", …). Wrap it, as in z.object({ … }).`)
  }
  const base = 'schema://root/'
  const ids = new Set([base])
  const anchors = new Set<unknown>()
  const references: string[] = []
  walkSchema(schema, ({ $id, $anchor, $dynamicAnchor, $schema, $ref, $dynamicRef }) => {
    if ($schema !== undefined && !isDialect($schema)) {
      throw new TypeError(`${what}: "$schema" is ${JSON.stringify($schema)}, but only ${DIALECT} is supported.`)
    }
    if (typeof $id === 'string') ids.add(new URL($id, base).href)
    anchors.add($anchor).add($dynamicAnchor)
    for (const reference of [$ref, $dynamicRef]) if (typeof reference === 'string') references.push(reference)
  })
  for (const reference of references) {
    const target = new URL(reference, base)
    const fragment = decodeURIComponent(target.hash.slice(1))
    target.hash = ''
    if (!ids.has(target.href)) {
      throw new TypeError(
        `${what}: "$ref" to ${JSON.stringify(reference)} leads out of the schema; nothing is fetched.`,
      )
    }
    // With embedded `$id`s a fragment may be relative to any of them; only the validator resolves such references.
    if (ids.size === 1 && !anchors.has(fragment) && !pointsIntoSchema(schema, fragment)) {
      throw new TypeError(`${what}: "$ref" to ${JSON.stringify(reference)} leads nowhere.`)
    }
  }
}

function isDialect(value: unknown): boolean {
  return typeof value === 'string' && value.replace(/#$/, '') === DIALECT
}

/** Follows a JSON Pointer. */
function pointsIntoSchema(schema: unknown, pointer: string): boolean {
  if (pointer === '') return true
  if (!pointer.startsWith('/')) return false
  let at = schema
  for (const token of pointer.slice(1).split('/')) {
    if (typeof at !== 'object' || at === null) return false
    at = (at as Record<string, unknown>)[token.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return typeof at === 'object' || typeof at === 'boolean'
}

let library: typeof import('@cfworker/json-schema') | undefined

/**
 * The most parts of a value whose problems are all reported. Beyond it the library would need long to find them all.
 */
const MAX_PARTS = 1_000
/** The most items of an array with `uniqueItems`. The library compares each item with each other item. */
const MAX_UNIQUE = 2_000

/** The check of a plain schema. The validator is loaded when it is first used, because most servers never need it. */
export function jsonSchemaCheck(schema: JsonSchema): Check {
  let unique: boolean | undefined
  let first: Validator | undefined
  let all: Validator | undefined
  const run = ({ Validator }: NonNullable<typeof library>, value: unknown): Checked => {
    unique ??= asksForUnique(schema)
    if (unique && hasLongArray(value)) {
      return { ok: false, problems: `An array has more than ${MAX_UNIQUE} items, too many to be checked for repeats` }
    }
    first ??= new Validator(copyOf(schema), '2020-12', true)
    const { valid, errors } = first.validate(value)
    if (valid) return { ok: true, value }
    if (hasMoreParts(value)) return { ok: false, problems: describeProblems(innermost(errors)) }
    all ??= new Validator(copyOf(schema), '2020-12', false)
    return { ok: false, problems: describeProblems(innermost(all.validate(value).errors)) }
  }
  return (value) => {
    if (library !== undefined) return run(library, value)
    return import('@cfworker/json-schema').then((loaded) => {
      library = loaded
      return run(loaded, value)
    })
  }
}

/**
 * A copy for the library, which writes into its schema. The library's expression for `url`, a format that 2020-12 does
 * not have, takes time exponential in the length of a text; the copy has `uri` in its place, which means the same.
 */
function copyOf(schema: JsonSchema): JsonSchema {
  const copy = structuredClone(schema)
  walkSchema(copy, (each) => {
    if (each.format === 'url') each.format = 'uri'
  })
  return copy
}

function asksForUnique(schema: JsonSchema): boolean {
  let asks = false
  walkSchema(schema, ({ uniqueItems }) => {
    asks ||= uniqueItems === true
  })
  return asks
}

function hasMoreParts(value: unknown): boolean {
  let left = MAX_PARTS
  const count = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return
    for (const name in part) {
      if (--left < 0) return
      count((part as Record<string, unknown>)[name])
    }
  }
  count(value)
  return left < 0
}

function hasLongArray(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value) && value.length > MAX_UNIQUE) return true
  return Object.values(value).some(hasLongArray)
}

/** The most alternatives of one `anyOf` that a text lists. */
const MAX_ALTERNATIVES = 10

/**
 * The errors that name what to change. The library repeats an error for each schema around the one that failed, just
 * before it; only the innermost is of use. Below `anyOf` and `oneOf` each innermost error is one alternative.
 */
function innermost(errors: readonly OutputUnit[]): [path: string, message: string][] {
  // Errors of `if` and `false` repeat, with less detail, the errors beside them.
  return reported(errors.filter(({ keyword }) => keyword !== 'if' && keyword !== 'false'))
}

function reported(errors: readonly OutputUnit[]): [path: string, message: string][] {
  const found: [string, string][] = []
  for (let at = 0; at < errors.length; at++) {
    const error = errors[at] as OutputUnit
    const below = `${error.keywordLocation}/`
    const isBelow = (other: OutputUnit | undefined) => other?.keywordLocation.startsWith(below) === true
    if (!isBelow(errors[at + 1])) found.push([pathText(error), messageText(error)])
    else if (error.keyword === 'anyOf' || error.keyword === 'oneOf') {
      let end = at + 1
      while (isBelow(errors[end])) end++
      const here = pathText(error)
      const alternatives = reported(errors.slice(at + 1, end)).map(([path, message]) =>
        path === here ? message : `${path}: ${message}`,
      )
      const several = [...new Set(alternatives)].slice(0, MAX_ALTERNATIVES)
      found.push([here, `One of these must be put right: ${several.join(' | ')}`])
      at = end - 1
    }
  }
  return found
}

function pathText({ instanceLocation }: OutputUnit): string {
  const steps = instanceLocation.split('/').slice(1)
  return steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~')).join('.')
}

function messageText({ keyword, error }: OutputUnit): string {
  const [, property] = /^Property "(.*)" does not match/.exec(error) ?? []
  const closed = keyword === 'additionalProperties' || keyword === 'unevaluatedProperties'
  return closed && property !== undefined ? `Property "${property}" is not allowed` : error.replace(/\.$/, '')
}
