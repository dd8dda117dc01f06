/** Keywords that apply other schemas to the same value. */
import type { JsonObject } from '../../../protocol/jsonrpc.ts'
import { hasMember, typeOf } from './assertions.ts'
import { fits, fitsQuietly, type Node, type Part, type Test } from './node.ts'
import type { Run } from './run.ts'

/** The most alternatives of one `anyOf` that a text lists. */
const MAX_ALTERNATIVES = 10

export function branchesOf(part: Part): Test[] {
  const { schema, dialect } = part
  const tests: Test[] = []
  for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef'] as const) {
    if (typeof schema[keyword] !== 'string') continue
    let fixed: Node | undefined
    tests.push((value, run, seen) => {
      if (keyword === '$ref') fixed ??= part.target(keyword, run)
      return fits(fixed ?? part.target(keyword, run), value, run, seen)
    })
  }
  if (dialect === 'draft-07' && tests.length > 0) return tests
  for (const node of listOf(part, 'allOf')) tests.push((value, run, seen) => fits(node, value, run, seen))
  const [any, one] = [listOf(part, 'anyOf'), listOf(part, 'oneOf')]
  if (any.length > 0) tests.push((value, run, seen) => oneOrMore(any, value, run, seen))
  if (one.length > 0) tests.push((value, run, seen) => exactlyOne(one, value, run, seen))
  if (schema.not !== undefined) {
    const node = part.node(schema.not)
    tests.push((value, run) => {
      return !fitsQuietly(node, value, run) || run.fail('Instance matched "not" schema')
    })
  }
  if (schema.if !== undefined) tests.push(conditionOf(part))
  for (const keyword of ['dependentSchemas', 'dependencies']) {
    if (keyword === 'dependentSchemas' && dialect === 'draft-07') continue
    for (const [name, dependent] of Object.entries((schema[keyword] ?? {}) as JsonObject)) {
      if (Array.isArray(dependent)) continue
      const node = part.node(dependent)
      tests.push((value, run, seen) => {
        return typeOf(value) !== 'object' || !hasMember(value as JsonObject, name) || fits(node, value, run, seen)
      })
    }
  }
  return tests
}

function listOf(part: Part, keyword: string): Node[] {
  const list = part.schema[keyword]
  return Array.isArray(list) ? list.map((schema) => part.node(schema)) : []
}

function conditionOf(part: Part): Test {
  const { schema } = part
  const [condition, yes, no] = [schema.if, schema.then ?? true, schema.else ?? true].map((each) => part.node(each))
  return (value, run, seen) => {
    return fits((fitsQuietly(condition as Node, value, run, seen) ? yes : no) as Node, value, run, seen)
  }
}

function oneOrMore(nodes: readonly Node[], ...[value, run, seen]: Parameters<Test>): boolean {
  let valid = false
  for (const node of nodes) {
    if (!fitsQuietly(node, value, run, seen)) continue
    valid = true
    // Each alternative that fits says what it has seen.
    if (seen === undefined) return true
  }
  return valid || failAll(nodes, value, run)
}

function exactlyOne(nodes: readonly Node[], ...[value, run, seen]: Parameters<Test>): boolean {
  let matches = 0
  for (const node of nodes) {
    if (fitsQuietly(node, value, run, seen)) matches++
    if (matches > 1) return run.fail('Instance matches more than one schema of "oneOf"')
  }
  return matches === 1 || failAll(nodes, value, run)
}

/** Reports that no alternative fits, with the problems of each. */
function failAll(nodes: readonly Node[], value: unknown, run: Run): false {
  if (run.problems === undefined) return false
  const here = run.path.join('.')
  const texts = new Set<string>()
  for (const node of nodes) {
    const { problems } = run.apart(() => node.evaluate(value, run))
    for (const [path, text] of problems) texts.add(path === here ? text : `${path}: ${text}`)
    if (texts.size >= MAX_ALTERNATIVES) break
  }
  return run.fail(`One of these must be put right: ${[...texts].slice(0, MAX_ALTERNATIVES).join(' | ')}`)
}
