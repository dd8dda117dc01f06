/**
 * What few schemas need. A bundle of this package has it in a file of its own, which is read when it is first used
 * (`lib/cli/build/plugins/schemas.ts`).
 */
export { convert } from './converters.ts'
export { withDates } from './dates.ts'
export { compileShape } from './shape.ts'
