/** What clients and tools did with tasks. Times are ms of the timeline. */

/** session: 2025-11-25. stateless: the extension of 2026-07-28. */
export type Era = 'session' | 'stateless'

/**
 * task: durable, with effects, asks and an outcome of each kind. task_later: it asks first, and becomes a task then. task_fragile: it
 * has an effect, and must not run again.
 */
export type TaskTool = 'task' | 'task_later' | 'task_fragile'

/** How a handler ends: with a result, with one that has `isError`, with a JSON-RPC error. */
export type Ending = 'well' | 'wrong' | 'broken'

/** How long a task can be read, in ms. */
export const TASK_TTL = 240_000

/** The code of the error of an {@link Ending} that is broken. */
export const BROKEN_CODE = -32_050

/** What looks at a task found. Equal looks that follow one another are one. */
export interface Seen {
  by: 'create' | 'get' | 'list' | 'cancel' | 'status' | 'result'
  sent: number
  at: number
  /** When the last of the equal looks was sent. */
  last: number
  /** unknown: there is no such task for the one that asks. */
  status: string
  /** With input_required: the keys of open asks. After the end: the whole task. */
  text: string
}

/** The outcome of a task, as one reply had it. */
export interface TaskOutcome {
  sent: number
  at: number
  kind: 'result' | 'wrong' | 'error'
  text: string
  code?: number
  /** The run that a result names. */
  run?: string
}

export interface TaskAnswer {
  key: string
  value: string
  sent: number
  acknowledged?: number
  /** Sent after another answer to the same ask was acknowledged: it must not count. */
  late?: true
}

/** A request for the task by somebody that it does not belong to. */
export interface Probe {
  how: string
  sent: number
  at: number
  status: number
  code?: number
  text: string
}

/**
 * Why the client stopped.
 *
 * - ended: the task has ended
 * - not made: the call was refused, or its reply was lost: nobody has the id
 * - session: the session has ended
 * - gone: there is no such task any more
 * - hung: none of these in all the time that it had
 */
export type TaskEnd = 'ended' | 'not made' | 'session' | 'gone' | 'hung'

export interface Task {
  /** Its name, by which tools record it. */
  call: string
  session: string
  era: Era
  tool: TaskTool
  ends: Ending
  steps: number
  asks: number
  sent: number
  /** When the answer of the call arrived. */
  made?: { at: number; id: string; ttl: number }
  refused?: { at: number; status: number; text: string }
  seen: Seen[]
  outcomes: TaskOutcome[]
  answers: TaskAnswer[]
  /** over: the task had ended before. */
  cancel?: { sent: number; acknowledged?: number; over?: boolean }
  probes: Probe[]
  /** Looks at the list of the session in which the task was missing. */
  unlisted: { sent: number; at: number }[]
  /** A stream of `tasks/result` was open long after the end, and had no response. */
  stuck?: { at: number }
  end?: { at: number; kind: TaskEnd }
}

export const isOver = (status: string): boolean => ['completed', 'failed', 'cancelled'].includes(status)
