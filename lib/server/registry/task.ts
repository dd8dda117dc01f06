/** The option `task` of a tool. It is read where a tool has it. */
import type { TaskConfig } from './config.ts'
import type { TaskRules } from './policy.ts'

/** ms */
const SECOND = 1_000
const DAY = 86_400 * SECOND
const BOUNDS = { ttl: [SECOND, 7 * DAY], poll: [SECOND, 10 * SECOND] } as const
const MEMBERS = ['support', 'start', 'ttl', 'poll']

/** @throws TypeError with one line */
export function taskRules(task: TaskConfig, what: string): TaskRules {
  const given = typeof task === 'string' ? { support: task } : task
  if (typeof given !== 'object' || given === null)
    throw new TypeError(`${what}.task must be "optional", "required" or an object.`)
  const { support, start = 'call' } = given
  if (support !== 'optional' && support !== 'required') {
    throw new TypeError(`${what}.task must be "optional" or "required", or an object with that as "support".`)
  }
  if (start !== 'call' && start !== 'handler') throw new TypeError(`${what}.task.start must be "call" or "handler".`)
  const unknown = Object.keys(given).find((name) => !MEMBERS.includes(name))
  if (unknown !== undefined)
    throw new TypeError(`${what}.task has no member ${unknown}; there are ${MEMBERS.join(', ')}.`)
  const rules: TaskRules = { support, start }
  return Object.assign(rules, time(given, 'ttl', what), time(given, 'poll', what))
}

function time(given: Exclude<TaskConfig, string>, name: 'ttl' | 'poll', what: string): Partial<TaskRules> {
  const value: unknown = given[name]
  if (value === undefined) return {}
  const [from, to] = BOUNDS[name]
  if (Number.isInteger(value) && Number(value) >= from && Number(value) <= to) return { [name]: Number(value) }
  throw new TypeError(`${what}.task.${name} must be from ${from} to ${to} ms, not ${String(value)}.`)
}
