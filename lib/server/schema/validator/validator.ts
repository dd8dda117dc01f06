/** Checks of values with plain JSON Schema, each with a budget of steps. It is loaded when it is first used. */
import type { JsonSchema } from '../../../protocol/types.ts'
import { type Formats, Nodes } from './node.ts'
import { References } from './references.ts'
import { type Problem, Run, Stopped } from './run.ts'

/**
 * The check of a schema: the problems of a value, none where it fits. A value whose check would take more steps than 10,000
 * and 200 for each of its members does not fit: some schemas take time exponential in the size of a value.
 *
 * @param formats the formats that are checked; undefined where the schema has none
 */
export function validatorOf(schema: JsonSchema, formats?: Formats): (value: unknown) => readonly Problem[] {
  const nodes = new Nodes(new References(schema, 'The schema'), formats)
  return (value) => {
    const run = new Run(value)
    const outcome = stoppable(() => nodes.root.evaluate(value, run))
    if (outcome === true) return NO_PROBLEMS
    if (outcome === false) return problemsOf(nodes, value)
    return [
      ['', outcome === 'stopped' ? tooLong(run) : 'The value, or its schema, has more levels than a check can follow'],
    ]
  }
}

const NO_PROBLEMS: readonly Problem[] = []

/** The most problems of one value that are collected, and the steps that this may take. */
const MANY = 1_000
const STEPS_FOR_MANY = 200_000
/** The part of the budget of a check that finding its first problem may take. */
const FOR_FIRST = 0.1

/** Checks a value that does not fit again, to collect its problems: all of a small value, the first of a large one. */
function problemsOf(nodes: Nodes, value: unknown): Problem[] {
  for (const most of [MANY, 1]) {
    const run = new Run(value)
    const problems = run.collect(most, most === 1 ? run.budget * FOR_FIRST : STEPS_FOR_MANY)
    stoppable(() => nodes.root.evaluate(value, run))
    if (problems.length > 0) return problems
  }
  return [['', 'The value does not fit, and finding out where would take too long']]
}

function tooLong(run: Run): string {
  return (
    `The check of the value would take more than ${run.budget} steps (10000, and 200 for each of its members). ` +
    'Give a smaller value, or one with fewer levels'
  )
}

/** The outcome of a check. `stopped`: no step was left. `too deep`: it needs a larger stack than there is. */
function stoppable(check: () => boolean): boolean | 'stopped' | 'too deep' {
  try {
    return check()
  } catch (error) {
    if (error instanceof Stopped) return 'stopped'
    if (error instanceof RangeError) return 'too deep'
    throw error
  }
}
