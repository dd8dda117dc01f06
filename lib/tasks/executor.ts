/**
 * Who runs the legs of tasks. There are two functions: `enqueue`, by which the endpoint asks for a leg, and `Endpoint.runTask`, which
 * whatever was asked calls when it is time.
 */

/** Names a leg of a task. It is all that leaves the process, and says nothing of the caller or the call. */
export interface Wake {
  /** The name of the task's record. No client has it, and it opens nothing. */
  task: string
  /** The leg that is to run. A wake for another leg does nothing. */
  leg: number
}

export interface Executor {
  /**
   * Has {@link RunTask} called with `wake` in `delay` ms or later, at least once, in any instance. A queue without delays may call it
   * sooner: it waits for the rest then. Where this rejects, or the wake is lost, the next poll of the client does the same.
   */
  enqueue(wake: Wake, delay: number): Promise<void>
}

interface RunOptions {
  /** When the platform ends the work, by the endpoint's clock: the leg is released before, and its next run enqueued. */
  deadline?: number | undefined
}

/**
 * Runs a leg, once it may begin. Resolves when it is over here. ran: it asked, ended, or was released before the deadline. nothing: there is no
 * such task any more, or it does not wait for this leg. held: another run has its lease, or there is no time to wait for its begin.
 *
 * @throws StoreUnavailable where it should be called again
 */
export type RunTask = (wake: Wake, options?: RunOptions) => Promise<'ran' | 'nothing' | 'held'>

/** Reads a wake as it arrives. Undefined: it is none. */
export function readWake(value: unknown): Wake | undefined {
  if (typeof value !== 'object' || value === null || !('task' in value) || !('leg' in value)) return undefined
  const { task, leg } = value
  if (typeof task !== 'string' || !/^[\w.~-]{1,200}$/.test(task)) return undefined
  return Number.isSafeInteger(leg) && typeof leg === 'number' && leg > 0 ? { task, leg } : undefined
}
