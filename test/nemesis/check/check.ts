/** Proves from a history that the endpoint kept what it promises, or says where it did not. */
import type { History } from '../history.ts'
import { checkAsks } from './asks.ts'
import { checkCancels } from './cancels.ts'
import { checkEffects } from './effects.ts'
import { Index } from './index.ts'
import { checkOrder } from './order.ts'
import { checkOutcomes } from './outcomes.ts'
import type { Problem } from './problem.ts'
import { checkRest } from './rest.ts'
import { checkRuns } from './runs.ts'
import { checkSessions } from './sessions.ts'
import { checkTaskRuns } from './task-runs.ts'
import { checkTasks } from './tasks.ts'
import { checkUpdates } from './updates.ts'

export type { Problem }

const CHECKS = [
  checkOutcomes,
  checkOrder,
  checkEffects,
  checkRuns,
  checkCancels,
  checkAsks,
  checkSessions,
  checkUpdates,
  checkTasks,
  checkTaskRuns,
  checkRest,
]

/** Everything that does not hold, in the order of time. */
export function check(history: History): Problem[] {
  const index = new Index(history)
  return CHECKS.flatMap((one) => one(index)).sort((a, b) => (a.at ?? Number.MAX_VALUE) - (b.at ?? Number.MAX_VALUE))
}
