/**
 * Functions that few schemas need. A bundle of this package has them in a file of their own, which is read when they are first used
 * (`lib/cli/build/plugins/schemas.ts`).
 */
export { convert } from './converters.ts'
export { withDates } from './dates.ts'
export { compileShape } from './shape.ts'
