/** Keywords that apply schemas to the items of an array. */
import { fitsQuietly, type Node, type Part, type Test } from './node.ts'
import type { Run } from './run.ts'

export function itemsOf(part: Part): Test[] {
  const { schema, dialect } = part
  const tests: Test[] = []
  const tuple = dialect === '2020-12' && Array.isArray(schema.prefixItems) ? schema.prefixItems : schema.items
  const first = Array.isArray(tuple) ? tuple.map((each) => part.node(each)) : []
  // Before 2020-12 a tuple is in `items`, and the schema of the items after it in `additionalItems`.
  const after = Array.isArray(schema.items) ? schema.additionalItems : schema.items
  const others = after === undefined ? undefined : part.node(after)
  if (first.length > 0 || others !== undefined) {
    tests.push((value, run, seen) => {
      if (!Array.isArray(value)) return true
      let valid = true
      const end = others === undefined ? Math.min(first.length, value.length) : value.length
      for (let index = 0; index < end; index++) {
        valid = item(first[index] ?? (others as Node), value, index, run) && valid
        if (!valid && run.problems === undefined) return false
      }
      if (seen !== undefined) seen.items = Math.max(seen.items, end)
      return valid
    })
  }
  if (schema.contains !== undefined) tests.push(containsTest(part, part.node(schema.contains)))
  return tests
}

function containsTest({ schema, dialect }: Part, node: Node): Test {
  const bounds = dialect === 'draft-07' ? {} : schema
  const least = typeof bounds.minContains === 'number' ? bounds.minContains : 1
  const most = typeof bounds.maxContains === 'number' ? bounds.maxContains : undefined
  return (value, run, seen) => {
    if (!Array.isArray(value)) return true
    let count = 0
    for (let index = 0; index < value.length; index++) {
      if (!fitsQuietly(node, value[index], run)) continue
      count++
      if (dialect === '2020-12') seen?.matched.add(index)
      if (count >= least && most === undefined && seen === undefined) return true
    }
    if (count < least) return run.fail(`Array contains ${count} items that match, and must contain ${least} or more`)
    return most === undefined || count <= most || run.fail(`Array contains ${count} items that match, and ${most} may`)
  }
}

/** `unevaluatedItems`: the items that no other keyword has seen. */
export function restOfItems(part: Part): Test[] {
  const { unevaluatedItems } = part.schema
  if (unevaluatedItems === undefined) return []
  const node = part.node(unevaluatedItems)
  return [
    (value, run, seen) => {
      if (!Array.isArray(value) || seen === undefined) return true
      let valid = true
      for (let index = 0; index < value.length; index++) {
        if (seen.hasItem(index)) continue
        valid = item(node, value, index, run) && valid
        if (!valid && run.problems === undefined) return false
      }
      seen.allItems = true
      return valid
    },
  ]
}

function item(node: Node, list: readonly unknown[], index: number, run: Run): boolean {
  if (run.problems === undefined) return node.evaluate(list[index], run)
  run.path.push(index)
  const valid = node.evaluate(list[index], run)
  run.path.pop()
  return valid
}
