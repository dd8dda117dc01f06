/** `tasks/list` (2025-11-25): the tasks of a session, page by page, the oldest first. */
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import type { JsonObject } from '../../protocol/jsonrpc.ts'
import type { TaskView } from '../../store/tasks.ts'
import type { TaskEngine } from '../../tasks/engine-types.ts'
import { taskOf } from './task-shape.ts'

const PAGE = 50

/** `cursor`: of the page before, which names its last task: that may have expired meanwhile. */
export async function listTasks(engine: TaskEngine, scope: string, cursor: unknown): Promise<JsonObject> {
  const after = cursor === undefined ? undefined : readCursor(cursor)
  const all = (await engine.list(scope))
    .map((task) => ({ ...task, at: place(task) }))
    .sort((a, b) => (a.at < b.at ? -1 : 1))
  const left = after === undefined ? all : all.filter(({ at }) => at > after)
  const page = left.slice(0, PAGE)
  const last = left.length > PAGE ? page.at(-1) : undefined
  return {
    tasks: page.map(({ id, view }) => taskOf(id, view)),
    ...(last && { nextCursor: Buffer.from(last.at).toString('base64url') }),
  }
}

/** Sorts as the tasks were made. */
function place({ id, view }: { id: string; view: TaskView }): string {
  return `${String(view.created).padStart(15, '0')} ${id}`
}

function readCursor(cursor: unknown): string {
  const text = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString() : ''
  if (/^\d{15} [\w-]{1,100}$/.test(text)) return text
  throw new ProtocolError(ErrorCode.InvalidParams, '"cursor" must be the nextCursor of a page of tasks/list.')
}
