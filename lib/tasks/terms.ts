/** How long a task can be read, and how often clients look. Times are in ms. */
import { invalidParams } from '../protocol/errors.ts'
import type { TaskRules } from '../server/registry/policy.ts'
import type { NewTask } from '../store/tasks.ts'

const HOUR = 3_600_000
/** The most that any task gets. */
const LONGEST = 7 * 24 * HOUR
/** The least: a client must be able to fetch the result. */
const SHORTEST = 1_000
const POLL = 2_000
/** How often a leg is run again whose run was lost. */
const RETRIES = 2

type Terms = Pick<NewTask, 'ttl' | 'poll' | 'retries'>

/**
 * The lifetime of a task and the interval of its polls.
 *
 * @param mayRunAgain the handler may run again where its instance was lost
 * @param asked what the client asks for as a lifetime, where it may; null: as long as possible
 * @throws ProtocolError -32602 where that is no time
 */
export function termsOf(rules: TaskRules, mayRunAgain: boolean, asked?: unknown): Terms {
  const { ttl = HOUR, poll = POLL } = rules
  return { ttl: asked === undefined ? ttl : granted(asked), poll, retries: mayRunAgain ? RETRIES : 0 }
}

function granted(asked: unknown): number {
  if (asked === null) return LONGEST
  if (typeof asked !== 'number' || !(asked >= 0)) throw invalidParams('"task.ttl" must be a number of ms.')
  return Math.min(LONGEST, Math.max(SHORTEST, Math.ceil(asked)))
}
