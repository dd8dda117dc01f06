/**
 * Tasks of the stateless revision (extension `io.modelcontextprotocol/tasks`): calls that become one, and the three methods by which
 * a client reads, answers and cancels it, on any instance. This code is loaded with the first of them.
 */
import { invalidParams } from '../protocol/errors.ts'
import { isObject, type JsonObject, type JsonRpcRequest, type Result } from '../protocol/jsonrpc.ts'
import { TASKS_EXTENSION } from '../protocol/meta.ts'
import { STATELESS_REVISION } from '../protocol/revisions.ts'
import type { ClientCapabilities } from '../protocol/types.ts'
import type { Caller } from '../runtime/caller.ts'
import { AskPending, MissingCapability } from '../server/context/errors.ts'
import type { TaskPolicy } from '../server/registry/task-policy.ts'
import type { TaskAsk, TaskView } from '../store/tasks.ts'
import type { TaskEngine, TaskRequest } from '../tasks/engine-types.ts'
import { entryOf, keyOf, newTaskId } from '../tasks/names.ts'
import { outcomeOf } from '../tasks/outcome.ts'
import { RETRIES } from '../tasks/terms.ts'
import type { StatelessCall } from './call.ts'

/** Whether the client of this request has tasks: each request says so anew. */
export function declaresTasks({ extensions }: ClientCapabilities): boolean {
  return isObject(extensions) && isObject(extensions[TASKS_EXTENSION])
}

/** The error for a client without tasks. */
export function needsTasks(): MissingCapability {
  const required = { extensions: { [TASKS_EXTENSION]: {} } }
  return new MissingCapability(required, `This needs a client with the extension ${TASKS_EXTENSION}.`)
}

/** A task in full: the result of `tasks/get`, and the parameters of `notifications/tasks`. */
export function detailedTask(taskId: string, view: TaskView): JsonObject {
  const task = seedOf(taskId, view)
  if (view.status === 'input_required') task.inputRequests = Object.fromEntries(view.asks.map(requestOf))
  if (view.status !== 'completed' && view.status !== 'failed') return task
  const { result, error } = outcomeOf(view.outcome)
  if (result) return { ...task, result: { resultType: 'complete', ...result } }
  // What a lost run reported last does not say why the task failed.
  if (error && (view.message === undefined || view.outcome === undefined)) task.statusMessage = error.message
  return { ...task, error }
}

function requestOf({ request }: TaskAsk): [string, JsonObject] {
  const { key, ...asked } = JSON.parse(request) as JsonObject & { key: string }
  return [key, asked]
}

function seedOf(taskId: string, view: TaskView): JsonObject {
  const { status, message, created, updated, ttl, poll } = view
  return {
    taskId,
    status,
    ...(message !== undefined && { statusMessage: message }),
    createdAt: new Date(created).toISOString(),
    lastUpdatedAt: new Date(updated).toISOString(),
    ttlMs: ttl,
    pollIntervalMs: poll,
  }
}

/** A call whose client has tasks, and whose tool has them. */
interface TaskCall {
  call: StatelessCall
  request: JsonRpcRequest
  caller: Caller
  policy: TaskPolicy
  /** The handler may run again. */
  again: boolean
}

/** Serves a call of a tool that has tasks. @returns the result, or that of the task that was made */
export async function callWithTasks(
  engine: () => Promise<TaskEngine>,
  { call, request, caller, policy, again }: TaskCall,
  dispatch: () => Result | Promise<Result>,
): Promise<Result> {
  if (policy.start === 'handler') {
    call.mayBecomeTask = true
    const result = await settled(dispatch)
    // What the handler asked before goes out first, and its retry runs the handler again.
    if (!call.becomesTask || call.pending) {
      if (result instanceof Error) throw result
      return result
    }
  }
  const taskId = newTaskId()
  const { inputResponses, requestState, task, ...params } = request.params ?? {}
  const { principal, auth } = caller
  const kept: TaskRequest = {
    ...{ method: request.method, params, requestId: request.id, revision: STATELESS_REVISION },
    ...{ client: call.client, principal, url: caller.request.url?.href },
  }
  if (auth) {
    const { token, ...rest } = auth
    kept.auth = rest
  }
  const made = {
    ...{ key: keyOf(principal, taskId), request: kept, ttl: policy.ttl, poll: policy.poll },
    ...{ retries: again ? RETRIES : 0, ...call.journal(entryOf) },
  }
  const view = await (await engine()).create(made, caller)
  return { resultType: 'task', ...seedOf(taskId, view) }
}

async function settled(dispatch: () => Result | Promise<Result>): Promise<Result | Error> {
  try {
    return await dispatch()
  } catch (error) {
    if (error instanceof AskPending) return error
    throw error
  }
}

/**
 * Answers a method of the extension.
 *
 * @throws ProtocolError -32602 for a task that this caller does not have, whoever has it; MissingCapability
 */
export async function taskMethod(
  engine: () => Promise<TaskEngine>,
  { method, params = {} }: JsonRpcRequest,
  capabilities: ClientCapabilities,
  caller: Caller,
): Promise<JsonObject> {
  if (!declaresTasks(capabilities)) throw needsTasks()
  const { taskId, inputResponses } = params
  if (typeof taskId !== 'string') throw invalidParams('"taskId" must be a string.')
  const key = keyOf(caller.principal, taskId)
  switch (method) {
    case 'tasks/get': {
      const view = await (await engine()).get(key, caller)
      return view ? detailedTask(taskId, view) : unknown(taskId)
    }
    case 'tasks/update':
      return (await (await engine()).update(key, readResponses(inputResponses), caller)) ? {} : unknown(taskId)
    default:
      return (await (await engine()).cancel(key)) ? {} : unknown(taskId)
  }
}

function unknown(taskId: string): never {
  throw invalidParams(
    `There is no task ${JSON.stringify(taskId.slice(0, 100))}: it has expired, or was never made for this caller.`,
  )
}

/** @throws ProtocolError -32602 where an answer is no object: no ask has such an answer */
function readResponses(value: unknown): Record<string, JsonObject> {
  if (!isObject(value)) throw invalidParams('"inputResponses" must be an object of answers by key.')
  for (const [key, answer] of Object.entries(value)) {
    if (!isObject(answer))
      throw invalidParams(`inputResponses[${JSON.stringify(key.slice(0, 100))}] must be an object.`)
  }
  return value as Record<string, JsonObject>
}
