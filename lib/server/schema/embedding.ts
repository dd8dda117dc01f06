/** Puts JSON Schemas that stand for themselves into one, as its properties. */
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import type { JsonSchema } from '../../protocol/types.ts'
import { partsOf } from './validator/walk.ts'

const NEWEST = 'https://json-schema.org/draft/2020-12/schema'
const NAMED = /^#\/(?:\$defs|definitions)\/([^/]+)/

/**
 * The fields as properties of one object, with their definitions together. Where fields are of different dialects, all become
 * 2020-12.
 *
 * @param fields by name; none of them is changed
 */
export function embed(fields: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const dialects = new Set(Object.values(fields).map(({ $schema }) => $schema))
  const $schema = dialects.size === 1 ? [...dialects][0] : NEWEST
  const properties: JsonObject = {}
  const $defs: JsonObject = {}
  for (const [name, field] of Object.entries(fields)) {
    const { $schema: _own, ...copy } = structuredClone(field)
    if (dialects.size > 1) renewLists(copy)
    properties[name] = place(name, copy, $defs)
  }
  return {
    ...($schema !== undefined && { $schema }),
    type: 'object',
    properties,
    ...(Object.keys($defs).length > 0 && { $defs }),
  }
}

/** Moves the definitions of a field to those of the root, and returns what the field is there. */
function place(name: string, field: JsonSchema, $defs: JsonObject): JsonSchema {
  const { $defs: own, definitions, ...rest } = field
  const given = { ...(isObject(definitions) ? definitions : {}), ...(isObject(own) ? own : {}) }
  const names = new Map(Object.keys(given).map((key) => [key, key]))
  // A field that refers to itself is a definition, too.
  const isRecursive = refersToRoot([rest, ...Object.values(given)])
  const self = isRecursive ? free(name, (key) => Object.hasOwn($defs, key) || names.has(key)) : undefined
  const moved = (part: unknown) => redirected(part, names, self)
  // Definitions of equal name and text are one. Others get a name that is free, which changes the text of those that refer to them.
  const differs = (key: string) => {
    const at = names.get(key) ?? key
    return Object.hasOwn($defs, at) && JSON.stringify($defs[at]) !== JSON.stringify(moved(given[key]))
  }
  const taken = (key: string) => Object.hasOwn($defs, key) || [...names.values()].includes(key)
  for (let key = Object.keys(given).find(differs); key !== undefined; key = Object.keys(given).find(differs)) {
    names.set(key, free(key, taken))
  }
  for (const [key, part] of Object.entries(given)) $defs[names.get(key) ?? key] = moved(part)
  if (self === undefined) return moved(rest) as JsonSchema
  $defs[self] = moved(rest)
  return { $ref: pointerTo(self) }
}

const pointerTo = (key: string) => `#/$defs/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`

function free(name: string, taken: (key: string) => boolean): string {
  let key = name
  for (let n = 1; taken(key); n++) key = `${name}_${n}`
  return key
}

function refersToRoot(parts: readonly unknown[]): boolean {
  return parts.some((part) => {
    if (!isObject(part)) return false
    const { $ref } = part
    const own = typeof $ref === 'string' && /^#(?:\/|$)/.test($ref) && !NAMED.test($ref)
    return own || refersToRoot([...partsOf(part)])
  })
}

/** The same object, whose references lead to where the definitions are now. */
function redirected(part: unknown, names: ReadonlyMap<string, string>, self: string | undefined): unknown {
  const copy: unknown = structuredClone(part)
  if (isObject(copy)) redirect(copy, names, self)
  return copy
}

function redirect(part: JsonSchema, names: ReadonlyMap<string, string>, self: string | undefined): void {
  const { $ref } = part
  if (typeof $ref === 'string' && /^#(?:\/|$)/.test($ref)) {
    const [start = '', key = ''] = NAMED.exec($ref) ?? []
    const to = names.get(decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~'))
    if (to !== undefined) part.$ref = pointerTo(to) + $ref.slice(start.length)
    else if (self !== undefined) part.$ref = pointerTo(self) + $ref.slice(1)
  }
  for (const each of partsOf(part)) redirect(each, names, self)
}

/** Writes the lists of items of draft-07 as 2020-12 has them. */
function renewLists(part: JsonSchema): void {
  for (const each of partsOf(part)) renewLists(each)
  if (!Array.isArray(part.items)) return
  part.prefixItems = part.items
  if (part.additionalItems === undefined) delete part.items
  else part.items = part.additionalItems
  delete part.additionalItems
}
