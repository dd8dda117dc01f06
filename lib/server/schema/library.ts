/** Checks of values by schemas of libraries. */
import { textOf } from '../../base/errors.ts'
import { isStandardSchema, memberOf } from './kinds.ts'
import { withDates } from './more.ts'
import type { AnySchema, OldZodSchema, StandardIssue, StandardResult } from './types.ts'

type Result = StandardResult<unknown>
export type Validate = (value: unknown) => Result | Promise<Result>

/**
 * The check of a schema by its library. JSON has no dates: where the schema wants a `Date` and the value has the text of one,
 * it is checked again with the date.
 */
export function validateBy(schema: AnySchema): Validate {
  const validate = isStandardSchema(schema) ? (value: unknown) => schema['~standard'].validate(value) : byOldZod(schema)
  const settle = (value: unknown, result: Result) => {
    if (!result.issues?.some(mayWantDate)) return result
    const dated = withDates(value, result.issues)
    return dated === undefined ? result : validate(dated)
  }
  return (value) => {
    const result = validate(value)
    return result instanceof Promise ? result.then((outcome) => settle(value, outcome)) : settle(value, result)
  }
}

/** Issues of unions have those of their alternatives inside. */
function mayWantDate(issue: StandardIssue): boolean {
  return /date|union/i.test(`${memberOf(issue, 'expected')} ${memberOf(issue, 'code')} ${memberOf(issue, 'type')}`)
}

/** zod 3 throws where a check turns out to be asynchronous. */
const ASYNC = /synchronous parse encountered|encountered during synchronous/i

function byOldZod(schema: OldZodSchema): Validate {
  const read = (result: Awaited<ReturnType<OldZodSchema['safeParseAsync']>>): Result =>
    result.success ? { value: result.data } : { issues: result.error.issues }
  let isAsync = false
  return (value) => {
    if (!isAsync) {
      try {
        return read(schema.safeParse(value))
      } catch (error) {
        if (!ASYNC.test(textOf(error))) throw error
        isAsync = true
      }
    }
    return schema.safeParseAsync(value).then(read)
  }
}
