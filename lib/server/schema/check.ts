/** Checks of values against schemas, and the texts of their problems. */

import { textOf } from '../../base/errors.ts'

/** The outcome of a check: the value after parsing, or the problems, as a text that a model can act on. */
export type Checked = { ok: true; value: unknown } | { ok: false; problems: string }

export type Check = (value: unknown) => Checked | Promise<Checked>

/** `check`, with an error that the schema's own code throws as a problem of the value. */
export function guarded(check: Check): Check {
  const refused = (error: unknown): Checked => ({
    ok: false,
    problems: textOf(error),
  })
  return (value) => {
    try {
      const checked = check(value)
      return checked instanceof Promise ? checked.catch(refused) : checked
    } catch (error) {
      return refused(error)
    }
  }
}

/** The most problems in one text. A large argument could have thousands. */
export const MAX_PROBLEMS = 10
/** The most characters of one problem, which may quote the value. */
const MAX_PROBLEM = 500

/** One text for all problems. Each has a path (empty for the root) and a message. `total`: how many there are. */
export function describeProblems(
  problems: readonly (readonly [path: string, message: string])[],
  total = problems.length,
): string {
  const listed = problems.slice(0, MAX_PROBLEMS).map(([path, message]) => {
    const text = path === '' ? message : `${path}: ${message}`
    return text.length > MAX_PROBLEM ? `${text.slice(0, MAX_PROBLEM)}…` : text
  })
  const more = total - listed.length
  return listed.join('; ') + (more > 0 ? `; and ${more} more` : '')
}
