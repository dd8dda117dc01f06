/** The methods of tasks in sessions (2025-11-25, "Tasks"). They are loaded with the first of them. */
import { randomId } from '../../base/ids.ts'
import { ErrorCode, invalidParams, ProtocolError } from '../../protocol/errors.ts'
import { isObject, type JsonObject, type Result } from '../../protocol/jsonrpc.ts'
import type { Dispatcher } from '../../server/dispatcher.ts'
import type { TaskKey } from '../../store/tasks.ts'
import type { TaskRequest } from '../../tasks/engine-types.ts'
import { RETRIES } from '../../tasks/terms.ts'
import type { SessionChannel } from './channel.ts'
import { type CallParts, type SessionTasks, viewerOf } from './host.ts'
import { listTasks } from './task-list.ts'
import { waitForResult } from './task-result.ts'
import { taskOf } from './task-shape.ts'

/** Bytes of a task id. */
const ID = 18
/** ms */
const LONGEST_TTL = 7 * 24 * 60 * 60_000
/** The client must be able to fetch the result. */
const SHORTEST_TTL = 1_000

/** Serves `tasks/get`, `tasks/list`, `tasks/cancel`, `tasks/result`, and calls of tools that have tasks. */
export async function serveTasks(tasks: SessionTasks, parts: CallParts, channel: SessionChannel): Promise<Result> {
  const { method, params = {} } = parts.request
  if (method === 'tools/call') return callTool(tasks, parts, channel, params)
  const engine = await tasks.engine.load()
  if (method === 'tasks/list') return listTasks(engine, parts.session.key, params.cursor)
  const { taskId } = params
  if (typeof taskId !== 'string') throw invalidParams('"taskId" must be a string.')
  const key = keyOf(parts, taskId)
  const unknown = () => invalidParams('There is no task with this id: it has expired, or it never was.')
  if (!/^[\w-]{1,100}$/.test(taskId)) throw unknown()
  if (method === 'tasks/result') return waitForResult(parts, channel, engine, key, unknown)
  if (method === 'tasks/get') {
    const view = await engine.get(key, parts.caller)
    if (!view) throw unknown()
    return taskOf(taskId, view)
  }
  const reply = await engine.cancel(key)
  if (!reply) throw unknown()
  const task = taskOf(taskId, reply.view)
  if (reply.status === 'over') throw invalidParams(`The task has ended before: its status is ${String(task.status)}.`)
  return task
}

function keyOf({ session }: CallParts, id: string): TaskKey {
  return { scope: session.key, id, inSession: true }
}

async function callTool(
  tasks: SessionTasks,
  parts: CallParts,
  channel: SessionChannel,
  { task: asked, ...params }: JsonObject,
): Promise<Result> {
  const { host, session, caller } = parts
  const { dispatcher } = tasks
  const viewer = viewerOf(host, session, caller)
  const rules = dispatcher.policyOf('tools/call', params, viewer).task
  if (asked === undefined) {
    if (rules?.support === 'required') throw notFound('runs as a task only: send "task" in the params', params)
    return host.dispatch(parts.request.method, params, channel)
  }
  if (!isObject(asked)) throw invalidParams('"task" must be an object.')
  // An unknown tool has the error that it has without a task.
  if (!rules && isTool(dispatcher, params, viewer)) throw notFound('does not run as a task: send no "task"', params)
  if (!rules) return host.dispatch(parts.request.method, params, channel)
  const id = randomId(ID)
  const request = requestOf(parts, params)
  const mayRunAgain = host.durability(parts.request) !== 'none'
  const ttl = asked.ttl === undefined ? rules.ttl : grantedTtl(asked.ttl)
  const made = { key: keyOf(parts, id), request, ttl, poll: rules.poll, retries: mayRunAgain ? RETRIES : 0 }
  const engine = await tasks.engine.load()
  const view = await engine.create(made, caller)
  return { task: taskOf(id, view) }
}

/** The params name a tool that the caller sees. One that is hidden from it has the policy of a name that nothing has. */
function isTool(dispatcher: Dispatcher, params: JsonObject, viewer: ReturnType<typeof viewerOf>): boolean {
  const known = typeof params.name === 'string' && dispatcher.knows?.('tool', params.name)
  return known === true && dispatcher.policyOf('tools/call', params, viewer) !== dispatcher.policyOf('tools/call', {})
}

function requestOf({ session, request, caller }: CallParts, params: JsonObject): TaskRequest {
  const { auth, principal } = caller
  return {
    method: request.method,
    params,
    requestId: request.id,
    revision: session.revision,
    client: session.client,
    principal,
    auth,
    url: caller.request.url?.href,
    session: { id: session.id, key: session.key },
  }
}

/** -32601, as the specification has it ("Tool-Level Negotiation"). */
function notFound(why: string, { name }: JsonObject): ProtocolError {
  return new ProtocolError(ErrorCode.MethodNotFound, `The tool ${JSON.stringify(name)} ${why}.`)
}

/** The time that a task gets whose client asks for one, in ms; null: for ever. The client finds it in the answer. */
function grantedTtl(asked: unknown): number {
  if (asked === null) return LONGEST_TTL
  if (typeof asked !== 'number' || !(asked >= 0)) throw invalidParams('"task.ttl" must be a number of ms.')
  return Math.min(LONGEST_TTL, Math.max(SHORTEST_TTL, Math.ceil(asked)))
}
