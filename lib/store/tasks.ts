/**
 * Tasks: calls without a connection. Everything of a task is in its record, so that each operation is one step on one slot: its
 * request, its journal, what it asks, who runs its leg, its lease, its outcome. Times are those of the store's clock, and a lease is
 * compared with it in the step that claims.
 *
 * A leg is one run of the handler. It ends when the handler asks, or with the outcome; the answers begin the next one, and the
 * handler finds them, and the results of `ctx.once`, in the journal. An attempt is a run of a leg.
 *
 * In an endpoint without tasks nothing of this is loaded: see `Store.tasks`.
 */
import type { Owner, Status } from './names.ts'

/**
 * The place of a record. Of the stateless revision: `scope` is a digest of principal and task id, so that a foreign id finds nothing.
 * Of a session: `scope` is the session's key, and the record ends with the session.
 */
export interface TaskKey {
  scope: string
  id: string
  /** The scope is a session: without it there is no task. */
  inSession?: boolean | undefined
}

export type TaskStatus = 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled'

/** Bounds of a task, the same for each operation on it. */
export interface TaskTerms {
  /** How long a run has a leg without a sign of it, in ms. */
  lease: number
  /** How long a leg waits before it is run again, in ms: after the first loss of its run, the second … */
  backOff: readonly number[]
  /** How long a message of an executor may be on its way before a poll asks for another, in ms. */
  patience: number
}

export interface NewTask {
  /** The run that begins the first leg at once; undefined: an executor is asked for it. */
  owner: Owner | undefined
  /** What a run needs of the call: method, params, caller. Text. */
  request: string
  /** How long the record lives from now on, in ms. */
  ttl: number
  /** How often a client should look, in ms. */
  poll: number
  /** How often a leg is run again whose run was lost without progress; 0 for a handler that must not run again. */
  retries: number
  /** What the call had before it became a task, by digests of the keys and names. */
  answers?: readonly TaskAnswer[] | undefined
  results?: readonly TaskResult[] | undefined
}

/** An ask that has its answer. */
interface TaskAnswer {
  /** The digest of its key. */
  key: string
  /** The digest of method and params. */
  ask: string
  value: string
}

/** The result of a `ctx.once`. */
interface TaskResult {
  /** The digest of its name. */
  name: string
  value: string
}

/** An ask that a leg ends with. */
export interface TaskAsk {
  /** The digest of its key. */
  key: string
  /** The digest of method and params. */
  ask: string
  /** Text with the key and the request as the client gets it. */
  request: string
}

/** A task as a client sees it. */
export interface TaskView {
  status: TaskStatus
  /** ms since 1970. */
  created: number
  updated: number
  ttl: number
  poll: number
  leg: number
  message: string | undefined
  /** The text of {@link TaskKeep.progress}. */
  progress?: string | undefined
  /** With input_required: the asks without an answer. */
  asks: TaskAsk[]
  /** With completed and failed: the text of {@link TaskEnd.outcome}. Undefined: the task failed since its runs were lost. */
  outcome: string | undefined
}

/** What a run of a leg goes on from. */
export interface TaskClaim {
  leg: number
  /** 1: no run of the leg was lost without progress. */
  attempt: number
  /** How many runs of the leg have begun, with this one. */
  runs: number
  /** Who had the leg before; undefined: nobody, or it has given it back. */
  from?: Owner | undefined
  request: string
  created: number
  ttl: number
  /** By digest of the key: the digest of the ask, and the answer where there is one. */
  asks: Map<string, { ask: string; value: string | undefined }>
  /** By digest of the name. */
  results: Map<string, string>
}

/** Whom a change concerns: the connections that wait for the task. */
interface Watched {
  watchers: string[]
}

/** What an operation offers for a leg that nobody runs. */
export type Offer =
  /** This run takes it, in the same step. */
  | { owner: Owner; leg?: number | undefined }
  /** An executor is asked for it, where none has been within its patience. */
  | 'enqueue'

/**
 * `claim`: the offered run has the leg, also where it is sent again after a lost reply. `enqueue`: the leg that an executor is to be
 * asked for, after so many ms. `wait`: the offered leg has no run, and may have one in so many ms. `lost`: the task has failed in
 * this step, since runs of its leg were lost too often; with the last of them.
 */
interface Taken {
  claim?: TaskClaim | undefined
  enqueue?: { leg: number; delay: number } | undefined
  wait?: number | undefined
  lost?: { request: string; from: Owner } | undefined
}

/**
 * A connection would send what a task asks. One does at a time: another one begins where it ends, or where nobody has read its stream
 * for its lifetime.
 */
export interface Asking {
  /** The stream of its call. A later run of the call has it, too. */
  stream: string
  /** In ms; 0: no longer. */
  lifetime: number
}

/**
 * `turn`: this connection sends what the task asks, and is the how-manieth to do so. Undefined: it does not. `watchers`: whom it leaves
 * that to.
 */
export type WatchReply = ({ status: 'ok'; view: TaskView; turn?: number | undefined } & Watched) | Status<'unknown'>

/** unknown: there is no such task, it has expired, or its session has ended. */
export type GetReply = ({ status: 'ok'; view: TaskView } & Taken & Watched) | Status<'unknown'>

/** `owner`: who had the leg. over: the task had ended before. */
export type CancelReply =
  | ({ status: 'ok'; view: TaskView; owner: Owner | undefined } & Watched)
  | { status: 'over'; view: TaskView }
  | Status<'unknown'>

export interface TaskKeep {
  owner: Owner
  /** The text of the status message. */
  message?: string | undefined
  /** Goes with a message: the params of the progress notification that says it, as text. Where a client has asked for progress. */
  progress?: string | undefined
  /** A step of `ctx.once`. begin and fail: of `single` only. */
  once?:
    | { name: string; step: 'end'; value: string }
    | { name: string; step: 'begin' }
    | { name: string; step: 'fail' }
    | undefined
}

/**
 * known: the value that a run before has kept. begun: another run has begun this single, and not ended it. full: the journal has as
 * much as it may. lost: another run has the leg, or the leg has ended. cancelled: so has the task.
 */
export type KeepReply =
  | ({ status: 'ok' } & Watched)
  | { status: 'known'; value: string }
  | Status<'begun' | 'full' | 'lost' | 'cancelled' | 'unknown'>

/** How a leg ends. */
export type TaskEnd =
  /** The handler asks: the next leg begins when all of these have an answer. */
  | { kind: 'input'; asks: readonly TaskAsk[] }
  /** `failed`: with a JSON-RPC error in place of a result. */
  | { kind: 'completed' | 'failed'; outcome: string; message?: string | undefined }
  /** The run ends early, and another goes on. `counts`: as a lost one, where it has made no progress. */
  | { kind: 'released'; counts: boolean; enqueue: boolean }

/** ok: also when the same run repeats it. */
export type EndReply = ({ status: 'ok' } & Taken & Watched) | Status<'lost' | 'cancelled' | 'unknown'>

export interface TaskStore {
  /** Makes a record. taken: there is one of this name already, which the same call did not make. */
  create(
    key: TaskKey,
    task: NewTask,
    terms: TaskTerms,
  ): Promise<{ status: 'ok'; view: TaskView } | Status<'taken' | 'unknown'>>
  /** Reads a task, and takes its leg where the lease of that has lapsed and something is offered. Where it has been lost too often, the task fails. */
  get(key: TaskKey, terms: TaskTerms, offer?: Offer): Promise<GetReply>
  /** Keeps answers to open asks; others are ignored. The leg begins, and is taken, when none is open any more. */
  update(key: TaskKey, answers: ReadonlyMap<string, string>, terms: TaskTerms, offer: Offer): Promise<GetReply>
  /** A sign of the run that has the leg, with what it keeps. */
  renew(key: TaskKey, keep: TaskKeep, terms: TaskTerms): Promise<KeepReply>
  end(key: TaskKey, owner: Owner, end: TaskEnd, terms: TaskTerms): Promise<EndReply>
  /** Ends the task at once. */
  cancel(key: TaskKey): Promise<CancelReply>
  /** `watcher`, a connection, is named in replies for `lifetime` ms (0: no longer). Returns the task. */
  watch(key: TaskKey, watcher: string, lifetime: number, asking?: Asking): Promise<WatchReply>
  /** The tasks of a session, the oldest first. */
  list(scope: string): Promise<{ id: string; view: TaskView }[]>
  /** Removes the tasks of a session that has ended: nothing can be done with them any more. Returns who ran them. */
  endSession(scope: string): Promise<{ id: string; owner: Owner | undefined }[]>
}

/** Bytes that a task keeps of its request, its answers and its results of `ctx.once`, and how many of these there are. */
export const TASK_BYTES = 1024 * 1024
export const TASK_ENTRIES = 1_000
/** A record lives so much longer than its task, in ms: clocks of nodes differ. */
export const TASK_SLACK = 60_000
