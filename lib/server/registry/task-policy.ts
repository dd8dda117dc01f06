/** The option `task` of a tool: whether its calls may, or must, be tasks. */
import { isObject } from '../../protocol/jsonrpc.ts'

/** optional: clients without tasks are served as without it. required: a client without tasks gets an error that names the extension. */
type TaskSupport = 'optional' | 'required'

export interface TaskOptions {
  support: TaskSupport
  /**
   * call: each call of a client that has tasks is one, from the start. handler: a call becomes one where the handler calls
   * `ctx.task()`, and may ask its client before. Default: `call`. (In 2025-11-25 the client decides.)
   */
  start?: 'call' | 'handler' | undefined
  /** How long a task can be read, in ms from its creation: 1 second to 7 days. Default: an hour. */
  ttl?: number | undefined
  /** How often clients should look, in ms: 1,000 to 10,000. Default: 2,000. */
  pollInterval?: number | undefined
}

export interface TaskPolicy {
  readonly support: TaskSupport
  readonly start: 'call' | 'handler'
  readonly ttl: number
  readonly poll: number
}

const HOUR = 60 * 60_000
const LONGEST = 7 * 24 * HOUR
const MEMBERS = ['support', 'start', 'ttl', 'pollInterval']

/**
 * @param execution the member of that name of the official SDK, `{ taskSupport }`
 * @returns undefined where the tool has no tasks
 * @throws TypeError with one line
 */
export function taskPolicy(what: string, task: unknown, execution: unknown): TaskPolicy | undefined {
  const declared = supportOf(what, execution)
  if (task === undefined) return declared && { support: declared, start: 'call', ttl: HOUR, poll: 2_000 }
  const given = isObject(task) ? task : { support: task }
  const { support, start = 'call', ttl = HOUR, pollInterval = 2_000 } = given
  for (const member of Object.keys(given)) {
    if (!MEMBERS.includes(member))
      throw new TypeError(`${what}: task has no option ${member}; there are ${MEMBERS.join(', ')}.`)
  }
  if (support !== 'optional' && support !== 'required') {
    const instead = support === 'forbidden' ? ' (leave it out where the tool has no tasks)' : ''
    throw new TypeError(
      `${what}: task must be "optional" or "required", or an object whose support is that, not ${shown(support)}${instead}.`,
    )
  }
  if (execution !== undefined && declared !== support) {
    const other = isObject(execution) ? shown(execution.taskSupport) : shown(execution)
    throw new TypeError(
      `${what}: task is ${shown(support)}, and execution.taskSupport is ${other}. One of the two is enough.`,
    )
  }
  if (start !== 'call' && start !== 'handler') {
    throw new TypeError(`${what}: task.start must be "call" or "handler", not ${shown(start)}.`)
  }
  requireTime(`${what}: task.ttl`, ttl, 1_000, LONGEST)
  requireTime(`${what}: task.pollInterval`, pollInterval, 1_000, 10_000)
  return { support, start, ttl, poll: pollInterval }
}

function supportOf(what: string, execution: unknown): TaskSupport | undefined {
  if (execution === undefined) return undefined
  const support = isObject(execution) ? execution.taskSupport : execution
  if (support === undefined || support === 'forbidden') return undefined
  if (support === 'optional' || support === 'required') return support
  throw new TypeError(
    `${what}: execution.taskSupport must be "optional", "required" or "forbidden", not ${shown(support)}.`,
  )
}

function requireTime(what: string, value: unknown, least: number, most: number): asserts value is number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return
  throw new TypeError(`${what} must be a whole number of ms from ${least} to ${most}, not ${shown(value)}.`)
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? String(value)
}
