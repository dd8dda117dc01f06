/** Dates in JSON: the texts that schemas of a `Date` take. */
import { isObject } from '../../protocol/jsonrpc.ts'
import { memberOf } from './kinds.ts'
import type { StandardIssue } from './types.ts'

/** How a `Date` is listed, and written by `JSON.stringify`. */
export const DATE = { type: 'string', format: 'date-time' } as const

/** A date-time of RFC 3339, or a date, which is its midnight in UTC. */
const TEXT = /^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d))?$/

/**
 * A copy of `value` with a `Date` at each place where an issue says that the schema wants one and the value has its text;
 * undefined where there is none.
 */
export function withDates(value: unknown, issues: readonly StandardIssue[]): unknown {
  let dated = value
  for (const path of issues.flatMap((issue) => placesOf(issue, []))) dated = replaced(dated, path, 0)
  return dated === value ? undefined : dated
}

type Path = readonly PropertyKey[]

/** The places where an issue asks for a date, also those of the alternatives of a union. */
function placesOf(issue: StandardIssue, outer: Path): Path[] {
  const steps = (issue.path ?? []).map((step) => (typeof step === 'object' ? step.key : step))
  const path = [...outer, ...steps]
  // zod 3 gives whole paths inside a union, zod 4 those from the union on.
  const whole = listOf(memberOf(issue, 'unionErrors')).flatMap((error) => listOf(memberOf(error, 'issues')))
  const inner = listOf(memberOf(issue, 'errors')).flatMap(listOf)
  const found = [
    ...whole.flatMap((each) => placesOf(each as StandardIssue, outer)),
    ...inner.flatMap((each) => placesOf(each as StandardIssue, path)),
  ]
  return /^(?:an? )?date$/i.test(String(memberOf(issue, 'expected'))) ? [path, ...found] : found
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function replaced(value: unknown, path: Path, depth: number): unknown {
  const step = path[depth]
  if (step === undefined) return typeof value === 'string' ? dateOf(value) : value
  if (!(Array.isArray(value) || isObject(value)) || !Object.hasOwn(value, step)) return value
  const before = (value as Record<PropertyKey, unknown>)[step]
  const after = replaced(before, path, depth + 1)
  if (after === before) return value
  return Array.isArray(value) ? value.with(Number(step), after) : { ...value, [step]: after }
}

function dateOf(text: string): unknown {
  const date = new Date(text)
  return TEXT.test(text) && !Number.isNaN(date.getTime()) ? date : text
}
