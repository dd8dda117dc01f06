/** Checks of values with plain JSON Schema 2020-12, and the texts of their problems. */
import { type OutputUnit, Validator } from '@cfworker/json-schema'
import type { JsonSchema } from '../../protocol/types.ts'
import { type Checked, describeProblems } from './check.ts'
import { walkSchema } from './walk.ts'

/**
 * The most parts of a value whose problems are all reported. Beyond it the library would need long to find them all.
 */
const MAX_PARTS = 1_000
/** The most items of an array with `uniqueItems`. The library compares each item with each other item. */
const MAX_UNIQUE = 2_000

export function validatorOf(schema: JsonSchema): (value: unknown) => Checked {
  const unique = asksForUnique(schema)
  const first = new Validator(copyOf(schema), '2020-12', true)
  let all: Validator | undefined
  return (value) => {
    if (unique && hasLongArray(value)) {
      return { ok: false, problems: `An array has more than ${MAX_UNIQUE} items, too many to be checked for repeats` }
    }
    const { valid, errors } = first.validate(value)
    if (valid) return { ok: true, value }
    if (hasMoreParts(value)) return { ok: false, problems: describeProblems(innermost(errors)) }
    all ??= new Validator(copyOf(schema), '2020-12', false)
    return { ok: false, problems: describeProblems(innermost(all.validate(value).errors)) }
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
