/** What checking a value against a schema says. */

/** `value` is the value after parsing; `problems` is a text that a model can act on. */
export type Checked = { ok: true; value: unknown } | { ok: false; problems: string }

export type Check = (value: unknown) => Checked | Promise<Checked>

/** A schema whose own code throws has refused the value as well. */
export function guarded(check: Check): Check {
  const refused = (error: unknown): Checked => ({
    ok: false,
    problems: error instanceof Error ? error.message : String(error),
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

/** More do not help, and a large argument could have thousands. */
const MAX_PROBLEMS = 10
/** Characters of one problem: it may name whatever was sent. */
const MAX_PROBLEM = 500

/** One text for pairs of a path (empty for the root) and what is wrong there. */
export function describeProblems(problems: readonly (readonly [path: string, message: string])[]): string {
  const told = problems.slice(0, MAX_PROBLEMS).map(([path, message]) => {
    const text = path === '' ? message : `${path}: ${message}`
    return text.length > MAX_PROBLEM ? `${text.slice(0, MAX_PROBLEM)}…` : text
  })
  const more = problems.length - told.length
  return told.join('; ') + (more > 0 ? `; and ${more} more` : '')
}
