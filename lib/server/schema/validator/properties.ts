/** Keywords that apply schemas to the members of an object. */
import type { JsonObject } from '../../../protocol/jsonrpc.ts'
import { expressionOf, hasMember, typeOf } from './assertions.ts'
import { fitsQuietly, isNothing, type Node, type Part, type Test } from './node.ts'
import type { Run } from './run.ts'

export function propertiesOf(part: Part): Test[] {
  const { schema } = part
  const own = membersOf(part, 'properties')
  const patterns = membersOf(part, 'patternProperties').map(([pattern, node]) => [expressionOf(pattern), node] as const)
  const others = schema.additionalProperties === undefined ? undefined : part.node(schema.additionalProperties)
  const known = new Set(own.map(([name]) => name))
  const tests: Test[] = []
  if (schema.propertyNames !== undefined) tests.push(namesTest(part.node(schema.propertyNames)))
  if (own.length === 0 && patterns.length === 0 && others === undefined) return tests
  tests.push((value, run, seen) => {
    if (typeOf(value) !== 'object') return true
    const object = value as JsonObject
    let valid = true
    run.spend(own.length >> 3)
    for (const [name, node] of own) {
      if (!hasMember(object, name)) continue
      seen?.names.add(name)
      valid = member(node, object, name, run) && valid
      if (!valid && run.problems === undefined) return false
    }
    if (patterns.length === 0 && others === undefined) return valid
    for (const name of Object.keys(object)) {
      if (object[name] === undefined) continue
      let matched = known.has(name)
      for (const [expression, node] of patterns) {
        run.read(name)
        if (!expression.test(name)) continue
        matched = true
        seen?.names.add(name)
        valid = member(node, object, name, run) && valid
      }
      if (!matched && others !== undefined) {
        seen?.names.add(name)
        valid = member(others, object, name, run) && valid
      }
      if (!valid && run.problems === undefined) return false
    }
    return valid
  })
  return tests
}

/** `unevaluatedProperties`: the members that no other keyword has seen. */
export function restOfProperties(part: Part): Test[] {
  const { unevaluatedProperties } = part.schema
  if (unevaluatedProperties === undefined) return []
  const node = part.node(unevaluatedProperties)
  return [
    (value, run, seen) => {
      if (typeOf(value) !== 'object' || seen === undefined) return true
      const object = value as JsonObject
      let valid = true
      for (const name of Object.keys(object)) {
        run.spend(1)
        if (seen.hasName(name) || object[name] === undefined) continue
        valid = member(node, object, name, run) && valid
        if (!valid && run.problems === undefined) return false
      }
      seen.allNames = true
      return valid
    },
  ]
}

function membersOf(part: Part, keyword: string): [name: string, node: Node][] {
  return Object.entries((part.schema[keyword] ?? {}) as JsonObject).map(([name, schema]) => [name, part.node(schema)])
}

function member(node: Node, object: JsonObject, name: string, run: Run): boolean {
  if (run.problems === undefined) return node.evaluate(object[name], run)
  if (isNothing(node)) return run.fail(`Property "${name}" is not allowed`)
  run.path.push(name)
  const valid = node.evaluate(object[name], run)
  run.path.pop()
  return valid
}

function namesTest(node: Node): Test {
  return (value, run) => {
    if (typeOf(value) !== 'object') return true
    let valid = true
    for (const name of Object.keys(value as JsonObject)) {
      if (fitsQuietly(node, name, run)) continue
      valid = run.fail(`Property name "${name}" does not match schema`)
      if (run.problems === undefined) return false
    }
    return valid
  }
}
