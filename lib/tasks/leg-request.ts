/** The request of a leg, as the handler gets it, and the sentences of its errors. */
import type { CallOutcome, CallStart } from '../base/events.ts'
import { randomId } from '../base/ids.ts'
import type { JsonObject, JsonRpcRequest } from '../protocol/jsonrpc.ts'
import type { SharedParts } from '../runtime/handler-channel.ts'
import type { Instance } from '../runtime/instance.ts'
import type { TaskClaim } from '../store/tasks.ts'
import type { KeyValues } from '../store/values.ts'
import type { TaskCaller, TaskRequest } from './engine-types.ts'
import type { LegStore } from './leg-store.ts'

/** What the runs of one engine share. */
export interface RunParts {
  instance: Instance
  shared: SharedParts
  /** The most asks of one leg. */
  maxAsks: number
  /** The values of a session. */
  sessionValues?: ((session: NonNullable<TaskRequest['session']>) => KeyValues) | undefined
}

export interface LegInput {
  token: string
  /** The name of the record. */
  name: string
  claim: TaskClaim
  request: TaskRequest
  caller: TaskCaller
  /** The handler may run again. */
  again: boolean
  /** The record, as this run writes to it. */
  store: LegStore
  /** An executor is asked for the rest where the time of the platform is over. */
  enqueues: boolean
}

export const FULL =
  'The journal of this task is full: its answers and results of ctx.once have 1 MiB and 1,000 entries at most.'

export const NOT_DURABLE =
  'The tool asks its client in a task, and must not be run again with the answer. Where everything that it does before it asks may be done twice, say so: tools: { <name>: { durable: true } }.'

export type LegOfTask = Required<Pick<CallStart, 'task' | 'leg' | 'run'>>

/** What events say of the run. */
export function legOf({ claim: { leg, runs }, name: task }: LegInput): LegOfTask {
  return { task, leg, run: runs > 1 ? 'takeover' : leg > 1 ? 'wake' : 'first' }
}

interface Loss {
  outcome: CallOutcome
  reason: string
}

const LOSSES: Readonly<Record<string, Loss>> = {
  cancelled: { outcome: 'cancelled', reason: 'The task was cancelled.' },
  gone: { outcome: 'session_gone', reason: 'The session of the task has ended.' },
}

/** Why a run has its leg no longer. `status`: the reply of the store, or `gone`, of which mail tells. */
export function lossOf(status: string): Loss {
  return LOSSES[status] ?? { outcome: 'lost', reason: 'Another run has this task, or it has expired.' }
}

export function otherAsk(key: string): string {
  return `The handler asks something else than before under the key ${JSON.stringify(key)}: it was changed while the task waited, or it asks other things in each run.`
}

export function begunBefore(name: string): string {
  return `"${name}" was begun by a run that ended before it was done; whether it had an effect is unknown.`
}

/** The request of the call, with the id that it had. */
export function jsonRpcOf({ requestId: id, method, params }: TaskRequest): JsonRpcRequest {
  return params === undefined ? { jsonrpc: '2.0', id, method } : { jsonrpc: '2.0', id, method, params }
}

/** Progress needs a token, and goes to the status message, whether the client has sent one or not. */
export function paramsOf({ params }: TaskRequest): JsonObject {
  const meta = params?._meta as JsonObject | undefined
  return { ...params, _meta: { ...meta, progressToken: meta?.progressToken ?? randomId(9) } }
}
