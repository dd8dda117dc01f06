/**
 * What operators ask of a store that several instances share: which instances there are, which sessions and calls. No request
 * of a client needs it. A store in the memory of one process has no part of this kind.
 */
import type { CancelReply } from './calls.ts'
import type { Holder, Owner, SessionKey } from './names.ts'
import type { TaskKey } from './tasks.ts'

/** What an instance has reported of itself. */
export interface ReportedInstance {
  id: string
  /** The text that it reported. Undefined: this process cannot read it, since it was sealed with another key. */
  facts: string | undefined
  /** ms until the report expires. */
  left: number
}

/** A registered call, as the store has it. */
export interface StoredCall {
  /** `typedId` of the request. */
  id: string
  stream: string
  /** '' for a released call. */
  owner: Owner
  holder: Holder | undefined
  cancelled: boolean
  /** Nobody runs it while it waits for its client. */
  suspended?: true | undefined
}

/** A session, as the store has it. Times are in ms, by the clock of the store. */
export interface StoredSession {
  key: SessionKey
  /** Undefined: this process cannot read it, since it was sealed with another key. */
  record: string | undefined
  /** How long ago the session was opened. Undefined: a build before stored ends opened it. */
  age: number | undefined
  /** How long ago its lifetime last slid, which a request does where a hundredth of it is over. */
  idle: number | undefined
  /** How long the session lives from now on if nobody uses it. */
  left: number
  /** Bytes of logs, requests and answers, about. */
  bytes: number
  /** The connections that hold its streams. */
  holders: Holder[]
  calls: StoredCall[]
}

/**
 * ok: `keys` of sessions, and where to go on; undefined at the end. unknown: the cursor is none, or belongs to a node that is no
 * primary any more.
 */
export type WalkReply = { status: 'ok'; keys: SessionKey[]; cursor: string | undefined } | { status: 'unknown' }

/** The server of the store, as an operator sees it. Undefined: its user may not ask. */
export interface StoreFacts {
  /** Such as `standalone` or `cluster`. */
  mode: string | undefined
  version: string | undefined
  /** Bytes: of the fullest node. */
  memory: { used: number; max: number | undefined } | undefined
}

/** A page of tasks; unknown as with {@link WalkReply}. */
export type TaskWalkReply = { status: 'ok'; keys: TaskKey[]; cursor: string | undefined } | { status: 'unknown' }

/** A task as the store has it, beside what its client sees. */
export interface StoredTask {
  key: TaskKey
  /** Undefined: this process cannot read it, since it was sealed with another key. */
  request: string | undefined
  /** The run of its leg; '': none. */
  owner: Owner
  /** Runs of this leg that were lost. */
  lost: number
  /** ms until the record expires. */
  left: number
}

export interface AdminStore {
  /** Writes what an instance reports of itself, for `lifetime` ms. Also where the store is full. */
  report(instance: string, facts: string, lifetime: number): Promise<void>
  /** Removes it. */
  retract(instance: string): Promise<void>
  /** The instances whose reports have not expired. */
  instances(): Promise<ReportedInstance[]>
  /**
   * Walks the sessions, or those that have open streams or calls, from the begin or from a cursor. A reply has about `limit` keys, or fewer after
   * many steps. A session that exists all the time is found; one may be found twice.
   */
  walk(which: 'all' | 'live', cursor: string | undefined, limit: number): Promise<WalkReply>
  /** Undefined for a session that does not exist. */
  describe(keys: readonly SessionKey[]): Promise<(StoredSession | undefined)[]>
  /** The keys of the sessions that are counted for a principal. Some may have expired. */
  sessionsOf(principal: string): Promise<SessionKey[]>
  /** Cancels the call with this stream, as `cancel` does by the id of its request: notify the owner. */
  cancelCall(key: SessionKey, stream: string): Promise<CancelReply>
  /** As {@link walk}, for tasks. */
  walkTasks(cursor: string | undefined, limit: number): Promise<TaskWalkReply>
  /** Undefined for a task that does not exist. */
  describeTasks(keys: readonly TaskKey[]): Promise<(StoredTask | undefined)[]>
  facts(): Promise<StoreFacts>
}
