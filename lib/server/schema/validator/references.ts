/** The resources of a JSON Schema (`$id`), their dialects and their anchors, and the targets of references between them. */
import { isObject } from '../../../protocol/jsonrpc.ts'
import type { JsonSchema } from '../../../protocol/types.ts'
import { partsOf } from './walk.ts'

/** In the order in which they are named in errors. */
const DIALECTS = {
  'draft-07': 'http://json-schema.org/draft-07/schema',
  '2019-09': 'https://json-schema.org/draft/2019-09/schema',
  '2020-12': 'https://json-schema.org/draft/2020-12/schema',
} as const

export type Dialect = keyof typeof DIALECTS

const HTTPS = /^https?:/
const NAMES = Object.keys(DIALECTS) as Dialect[]

/** The dialect that a value of `$schema` names, undefined for another one. */
function dialectOf(value: unknown): Dialect | undefined {
  if (typeof value !== 'string') return undefined
  const bare = value.replace(/#$/, '').replace(HTTPS, '')
  return NAMES.find((name) => DIALECTS[name].replace(HTTPS, '') === bare)
}

/** A schema with a URI of its own: the root, and each part with `$id`. */
export interface Resource {
  readonly uri: string
  readonly dialect: Dialect
  readonly schema: JsonSchema
  readonly anchors: Map<string, JsonSchema>
  /** `$dynamicAnchor` of 2020-12. `$recursiveAnchor` of 2019-09 is the one with an empty name. */
  readonly dynamic: Map<string, JsonSchema>
}

interface Target {
  readonly schema: unknown
  readonly resource: Resource
}

/** The URI of a schema without `$id`. No document is ever fetched. */
const BASE = 'schema://root/'

export class References {
  readonly root: Resource
  /** A reference of the schema goes by the dynamic scope. */
  hasDynamic = false
  readonly #resources = new Map<string, Resource>()
  readonly #of = new Map<object, Resource>()

  /**
   * Reads a schema and every schema in it.
   *
   * @param what the name of the schema in errors
   * @throws TypeError for a dialect that is not known, and for an `$id` or an anchor that cannot be used
   */
  constructor(schema: JsonSchema, what: string) {
    const dialect = requireDialect(schema, what) ?? '2020-12'
    const uri = new URL(typeof schema.$id === 'string' ? schema.$id.replace(/#.*/, '') : '', BASE).href
    this.root = this.#add(uri, dialect, schema)
    this.#read(schema, this.root, what, true)
  }

  #add(uri: string, dialect: Dialect, schema: JsonSchema): Resource {
    const resource: Resource = { uri, dialect, schema, anchors: new Map(), dynamic: new Map() }
    this.#resources.set(uri, resource)
    return resource
  }

  #read(schema: JsonSchema, outer: Resource, what: string, isRoot: boolean): void {
    let resource = outer
    const { $id, $anchor, $dynamicAnchor, $recursiveAnchor, $dynamicRef, $recursiveRef } = schema
    const dialect = requireDialect(schema, what) ?? outer.dialect
    const older = dialect === 'draft-07'
    // In draft-07 `$ref` hides the keywords beside it, and an `$id` of a fragment alone is an anchor.
    if (typeof $id === 'string' && !(older && schema.$ref !== undefined)) {
      const [address = '', fragment] = $id.split('#')
      if (address !== '' && !isRoot) {
        const uri = URL.parse(address, outer.uri)
        if (uri === null) throw new TypeError(`${what}: "$id" ${JSON.stringify($id)} is not a URI.`)
        resource = this.#add(uri.href, dialect, schema)
      }
      if (older && fragment) resource.anchors.set(fragment, schema)
    }
    this.#of.set(schema, resource)
    if (!older && typeof $anchor === 'string') resource.anchors.set($anchor, schema)
    if (dialect === '2020-12' && typeof $dynamicAnchor === 'string') {
      resource.anchors.set($dynamicAnchor, schema)
      resource.dynamic.set($dynamicAnchor, schema)
    }
    if (dialect === '2019-09' && $recursiveAnchor === true) resource.dynamic.set('', schema)
    this.hasDynamic ||= $dynamicRef !== undefined || $recursiveRef !== undefined
    for (const part of partsOf(schema)) this.#read(part, resource, what, false)
  }

  resourceOf(schema: JsonSchema, fallback: Resource): Resource {
    return this.#of.get(schema) ?? fallback
  }

  /** The target of a reference in a schema of `from`. `outside`: another document. undefined: there is none. */
  resolve(reference: string, from: Resource): Target | 'outside' | undefined {
    const uri = URL.parse(reference, from.uri)
    if (uri === null) return 'outside'
    let fragment: string
    try {
      fragment = decodeURIComponent(uri.hash.slice(1))
    } catch {
      return undefined
    }
    uri.hash = ''
    const resource = this.#resources.get(uri.href.replace(/#$/, ''))
    if (resource === undefined) return 'outside'
    if (fragment === '') return { schema: resource.schema, resource }
    if (fragment.startsWith('/')) return this.#follow(fragment, resource)
    const schema = resource.anchors.get(fragment)
    return schema === undefined ? undefined : { schema, resource }
  }

  /** Follows a JSON Pointer (RFC 6901), also into parts with an `$id` of their own. */
  #follow(pointer: string, from: Resource): Target | undefined {
    let schema: unknown = from.schema
    let resource = from
    for (const token of pointer.slice(1).split('/')) {
      if (typeof schema !== 'object' || schema === null) return undefined
      const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
      if (!Object.hasOwn(schema, key)) return undefined
      schema = (schema as Record<string, unknown>)[key]
      if (isObject(schema)) resource = this.resourceOf(schema, resource)
    }
    return isObject(schema) || typeof schema === 'boolean' ? { schema, resource } : undefined
  }
}

function requireDialect({ $schema }: JsonSchema, what: string): Dialect | undefined {
  if ($schema === undefined) return undefined
  const dialect = dialectOf($schema)
  if (dialect !== undefined) return dialect
  const known = NAMES.map((name) => `${name} (${DIALECTS[name]})`).join(', ')
  throw new TypeError(`${what}: "$schema" is ${JSON.stringify($schema)}; these dialects are supported: ${known}.`)
}
