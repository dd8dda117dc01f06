/** The engine of tasks, as the methods of both kinds of revision, and executors, use it. */
import type { AuthInfo } from '../protocol/auth-info.ts'
import type { JsonObject, RequestId } from '../protocol/jsonrpc.ts'
import type { Revision } from '../protocol/revisions.ts'
import type { Caller } from '../runtime/caller.ts'
import type { ClientView } from '../server/context/client-channel.ts'
import type { Asking, NewTask, TaskKey, TaskView } from '../store/tasks.ts'
import type { RunTask } from './executor.ts'

/** A call that becomes a task: what any run of it needs, on any instance. */
export interface TaskRequest {
  method: string
  params: JsonObject | undefined
  requestId: RequestId
  revision: Revision
  /** As the client described itself in the request, or in its session. Only asks that it can answer go out. */
  client: ClientView
  principal: string
  /** The caller of the request. Its token is not kept. */
  auth?: Omit<AuthInfo, 'token'> | undefined
  /** The URL of the request, for `ctx.request`. */
  url?: string | undefined
  /** `Mcp-Session-Id` and key of the session, where there is one. */
  session?: { id: string; key: string } | undefined
}

/** What a request for a task says of its caller: a run that it begins acts for it. */
export type TaskCaller = Pick<
  Caller,
  'principal' | 'client' | 'auth' | 'request' | 'deadline' | 'quota' | 'held' | 'note'
>

export interface MadeTask extends Pick<NewTask, 'ttl' | 'poll' | 'retries' | 'answers' | 'results'> {
  key: TaskKey
  request: TaskRequest
}

export interface TaskEngine {
  /** Makes a task. When it resolves the task is durable, and its first leg runs, or an executor was asked for it. */
  create(made: MadeTask, caller: TaskCaller): Promise<TaskView>
  /** Undefined: there is no such task. A leg that nobody runs is taken in the same step. */
  get(key: TaskKey, caller: TaskCaller): Promise<TaskView | undefined>
  /** Keeps answers, by key of the ask; others than those of open asks are ignored. Undefined: there is no such task. */
  update(key: TaskKey, answers: Readonly<Record<string, JsonObject>>, caller: TaskCaller): Promise<TaskView | undefined>
  /** over: the task had ended before. Undefined: there is no such task. */
  cancel(key: TaskKey): Promise<{ status: 'ok' | 'over'; view: TaskView } | undefined>
  /**
   * Has mail `{ t: 'task', to: watcher }` sent at each change of the task, for `lifetime` ms (0: no longer). Mail may be lost: call it
   * again at each heartbeat. `turn`: see `TaskStore.watch`. Undefined: there is no such task.
   */
  watch(
    key: TaskKey,
    watcher: string,
    lifetime: number,
    asking?: Asking,
  ): Promise<{ view: TaskView; turn?: number | undefined } | undefined>
  /** The tasks of a session, the oldest first. */
  list(scope: string): Promise<{ id: string; view: TaskView }[]>
  /** The session `scope` has ended: its tasks are removed, and their runs hear of it. */
  endSession(scope: string, caller: Pick<TaskCaller, 'principal' | 'client'>): Promise<void>
  run: RunTask
}
