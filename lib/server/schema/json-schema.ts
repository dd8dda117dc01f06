/** Plain JSON Schema 2020-12: refusing a schema that cannot be used, and checking values with one. */
import { isObject } from '../../protocol/jsonrpc.ts'
import type { JsonSchema } from '../../protocol/types.ts'
import type { Check, Checked } from './check.ts'
import { walkSchema } from './walk.ts'

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

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

let library: typeof import('./validator.ts') | undefined

/** The check of a plain schema. The validator is loaded when it is first used, because most servers never need it. */
export function jsonSchemaCheck(schema: JsonSchema): Check {
  let validate: ((value: unknown) => Checked) | undefined
  const check: Check = (value) => {
    if (library === undefined) {
      return import('./validator.ts').then((loaded) => {
        library = loaded
        return check(value)
      })
    }
    validate ??= library.validatorOf(schema)
    return validate(value)
  }
  return check
}
