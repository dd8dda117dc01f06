/** Equality of JSON values as `const`, `enum` and `uniqueItems` have it. */
import type { Run } from './run.ts'

/** Steps for each value that is put into a set, and for each that is written: they take longer than other steps. */
const STEPS_TO_ADD = 8
const STEPS_TO_WRITE = 16

/** True where no item is equal to another one. It takes time proportional to the size of the items. */
export function areUnique(items: readonly unknown[], run: Run): boolean {
  const simple = new Set<unknown>()
  const composed = new Set<string>()
  run.spend(STEPS_TO_ADD * items.length)
  for (const item of items) {
    const composite = typeof item === 'object' && item !== null
    const key = composite ? canonical(item, run) : item
    const seen: Set<unknown> = composite ? composed : simple
    if (seen.has(key)) return false
    seen.add(key)
  }
  return true
}

/** A test of whether a value is one of `values`. */
export function memberOf(values: readonly unknown[]): (value: unknown, run: Run) => boolean {
  const simple = new Set<unknown>()
  const composed = new Set<string>()
  for (const value of values) {
    if (typeof value === 'object' && value !== null) composed.add(canonical(value))
    else simple.add(value)
  }
  return (value, run) => {
    if (typeof value !== 'object' || value === null) return simple.has(value)
    return composed.size > 0 && composed.has(canonical(value, run))
  }
}

/** The JSON of a value with its members in one order: equal values have equal texts. */
function canonical(value: unknown, run?: Run): string {
  run?.spend(STEPS_TO_WRITE)
  if (typeof value === 'string') run?.read(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, run)).join()}]`
  const members = value as Record<string, unknown>
  const names = Object.keys(members).filter((name) => members[name] !== undefined)
  return `{${names
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(members[name], run)}`)
    .join()}}`
}
