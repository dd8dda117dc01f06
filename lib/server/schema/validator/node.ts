/** Schemas as checks read them: the tests of each are made when it is first used. */
import { isObject } from '../../../protocol/jsonrpc.ts'
import type { JsonSchema } from '../../../protocol/types.ts'
import { assertionsOf } from './assertions.ts'
import { branchesOf } from './branches.ts'
import { Evaluated } from './evaluated.ts'
import { itemsOf, restOfItems } from './items.ts'
import { propertiesOf, restOfProperties } from './properties.ts'
import type { Dialect, References, Resource } from './references.ts'
import type { Run } from './run.ts'

/** Tests one keyword, or keywords that depend on one another. `seen` is given where a later keyword needs it. */
export type Test = (value: unknown, run: Run, seen: Evaluated | undefined) => boolean

/** Checks of texts by format. A format that is not in it is only an annotation. */
export type Formats = ReadonlyMap<string, (text: string) => boolean>

/** What the makers of tests read of a schema. */
export interface Part {
  readonly schema: JsonSchema
  readonly dialect: Dialect
  readonly formats: Formats | undefined
  /** The node of a schema in this one. */
  node(schema: unknown): Node
  /** The node that a reference leads to, from where `run` is. */
  target(keyword: '$ref' | '$dynamicRef' | '$recursiveRef', run: Run): Node
}

export interface Node {
  evaluate(value: unknown, run: Run, seen?: Evaluated): boolean
}

const ANYTHING: Node = { evaluate: () => true }
const NOTHING: Node = {
  evaluate(_value, run) {
    run.spend(1)
    return run.fail('Nothing is allowed here')
  },
}

export function isNothing(node: Node): boolean {
  return node === NOTHING
}

/** The nodes of one schema. */
export class Nodes {
  readonly references: References
  readonly formats: Formats | undefined
  readonly #nodes = new Map<object, SchemaNode>()

  constructor(references: References, formats: Formats | undefined) {
    this.references = references
    this.formats = formats
  }

  get root(): Node {
    return this.of(this.references.root.schema, this.references.root)
  }

  /** @param from the resource that the schema is in, unless it is known by itself */
  of(schema: unknown, from: Resource): Node {
    if (schema === false) return NOTHING
    if (!isObject(schema)) return ANYTHING
    let node = this.#nodes.get(schema)
    if (node === undefined) {
      node = new SchemaNode(schema, this.references.resourceOf(schema, from), this)
      this.#nodes.set(schema, node)
    }
    return node
  }
}

class SchemaNode implements Node, Part {
  readonly schema: JsonSchema
  readonly #resource: Resource
  readonly #nodes: Nodes
  #tests: Test[] | undefined
  /** `unevaluatedProperties` and `unevaluatedItems`. */
  #rest: Test[] = []

  constructor(schema: JsonSchema, resource: Resource, nodes: Nodes) {
    this.schema = schema
    this.#resource = resource
    this.#nodes = nodes
  }

  get dialect(): Dialect {
    return this.#resource.dialect
  }

  get formats(): Formats | undefined {
    return this.#nodes.formats
  }

  evaluate(value: unknown, run: Run, outer?: Evaluated): boolean {
    run.spend(1)
    this.#tests ??= this.#make()
    const enters = this.#nodes.references.hasDynamic && run.scope.at(-1) !== this.#resource
    if (enters) run.scope.push(this.#resource)
    const seen = this.#rest.length > 0 ? new Evaluated() : outer
    let valid = passes(this.#tests, value, run, seen)
    if (valid && seen !== outer) {
      valid = passes(this.#rest, value, run, seen)
      if (seen !== undefined) outer?.add(seen)
    }
    if (enters) run.scope.pop()
    return valid
  }

  #make(): Test[] {
    const { schema, dialect } = this
    // In draft-07 `$ref` hides the keywords beside it.
    if (dialect === 'draft-07' && typeof schema.$ref === 'string') return branchesOf(this)
    if (dialect !== 'draft-07') this.#rest = [...restOfProperties(this), ...restOfItems(this)]
    return [...assertionsOf(this), ...branchesOf(this), ...propertiesOf(this), ...itemsOf(this)]
  }

  node(schema: unknown): Node {
    return this.#nodes.of(schema, this.#resource)
  }

  target(keyword: '$ref' | '$dynamicRef' | '$recursiveRef', run: Run): Node {
    const { references } = this.#nodes
    const reference = String(this.schema[keyword])
    let found = references.resolve(reference, this.#resource)
    // lib/server/schema/json-schema.ts refuses a schema with a reference that leads nowhere.
    if (found === undefined || found === 'outside') return NOTHING
    const anchor = keyword === '$dynamicRef' ? reference.slice(reference.indexOf('#') + 1) : ''
    if (keyword !== '$ref' && found.resource.dynamic.get(anchor) === found.schema) {
      // The outermost resource with the anchor wins.
      const resource = run.scope.find(({ dynamic }) => dynamic.has(anchor))
      if (resource !== undefined) found = { schema: resource.dynamic.get(anchor), resource }
    }
    return this.#nodes.of(found.schema, found.resource)
  }
}

function passes(tests: readonly Test[], value: unknown, run: Run, seen: Evaluated | undefined): boolean {
  let valid = true
  for (const test of tests) {
    if (test(value, run, seen)) continue
    if (run.problems === undefined) return false
    valid = false
  }
  return valid
}

/** True where the value fits; its problems are none of the schema around. */
export function fitsQuietly(node: Node, value: unknown, run: Run, seen?: Evaluated): boolean {
  const outer = run.problems
  run.problems = undefined
  const valid = fits(node, value, run, seen)
  run.problems = outer
  return valid
}

/** Evaluates a schema for the same value, and keeps what it has seen only where the value fits. */
export function fits(node: Node, value: unknown, run: Run, seen: Evaluated | undefined): boolean {
  if (seen === undefined) return node.evaluate(value, run)
  const own = new Evaluated()
  if (!node.evaluate(value, run, own)) return false
  run.spend(4 + own.names.size + own.matched.size)
  seen.add(own)
  return true
}
