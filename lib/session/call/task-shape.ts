/** A task as 2025-11-25 writes it ("Tasks", and `Task` in its schema). */
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import type { TaskStatus, TaskView } from '../../store/tasks.ts'
import { LOST } from '../../tasks/outcome.ts'

/** `_meta` of what belongs to a task. */
const RELATED_TASK = 'io.modelcontextprotocol/related-task'

/** The outcome of a call: its result, or its JSON-RPC error. */
type Outcome = { result: JsonObject } | { error: JsonObject }

/** Undefined while the task has none, and where its runs were lost. */
export function outcomeOf({ outcome }: TaskView): Outcome | undefined {
  const value: unknown = outcome === undefined ? undefined : JSON.parse(outcome)
  if (!isObject(value)) return undefined
  if (isObject(value.result)) return { result: value.result }
  return isObject(value.error) ? { error: value.error } : undefined
}

/** A result of a tool with `isError` is a failure here, where the stateless revision has it completed. */
function statusOf(view: TaskView): TaskStatus {
  if (view.status !== 'completed') return view.status
  const outcome = outcomeOf(view)
  return outcome && 'result' in outcome && outcome.result.isError === true ? 'failed' : 'completed'
}

export function isTerminal({ status }: TaskView): boolean {
  return status !== 'working' && status !== 'input_required'
}

export function taskOf(taskId: string, view: TaskView): JsonObject {
  const { created, updated, ttl, poll } = view
  // What a lost run reported last does not say why the task failed.
  const message = view.status === 'failed' && view.outcome === undefined ? LOST : view.message
  return {
    taskId,
    status: statusOf(view),
    ...(message !== undefined && { statusMessage: message }),
    createdAt: new Date(created).toISOString(),
    lastUpdatedAt: new Date(updated).toISOString(),
    ttl,
    pollInterval: poll,
  }
}

/** `members` with the task that they belong to. */
export function related(members: JsonObject, taskId: string): JsonObject {
  const meta = isObject(members._meta) ? members._meta : {}
  return { ...members, _meta: { ...meta, [RELATED_TASK]: { taskId } } }
}
