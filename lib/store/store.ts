/**
 * The state that the endpoint keeps between requests: sessions, calls, streams, asks, mail, changes, values, counts. A store is
 * the sum of small interfaces, one a file. Each operation is one atomic step on one session (in Redis: one script on one
 * slot), and each may be sent twice without harm, because a client library repeats a command whose reply was lost.
 *
 * Every operation on a part of a session requires that the session exists: that makes DELETE final.
 * An operation that cannot be done now rejects with {@link StoreUnavailable}.
 * The store does not read the texts that it keeps (records, messages, values).
 *
 * A store of one's own implements {@link Store} and passes the contract suite, `storeContract` in test/store/contract.
 */
import type { AdminStore } from './admin.ts'
import type { AskStore } from './asks.ts'
import type { BusStore } from './bus.ts'
import type { CallStore } from './calls.ts'
import type { JournalStore } from './journal.ts'
import type { LimitStore } from './limits.ts'
import type { SessionStore } from './sessions.ts'
import type { StreamStore } from './streams.ts'
import type { TaskStore } from './tasks.ts'
import type { ValueStore } from './values.ts'

export type { AdminStore } from './admin.ts'
export type { BusStore, Change, ChangeEntry, Receiver, Receiving } from './bus.ts'
export { comparePositions } from './bus.ts'
export type { Append, AppendReply, DurableAsk, Kept, Registration } from './calls.ts'
export type { Holder, Owner, SessionKey } from './names.ts'
export type { StoreOptions } from './options.ts'
export type { SessionRow, SessionStore } from './sessions.ts'
export type { Advance, LogEntry, StreamStore, TakeReply } from './streams.ts'
export { StoreRefused, StoreUnavailable } from './unavailable.ts'
export type { ValueStore } from './values.ts'

/** The common part of every store. */
export interface StoreBase {
  /** The store's name for people, as logs and `/readyz` show it. */
  readonly name: string
  /** True where what the store keeps leaves this process: it is sealed then, if the endpoint has keys. */
  readonly leavesProcess: boolean
  /** In how many slots of a cluster the mailboxes are; default 1. The ids of instances name their slots. */
  readonly busSlots?: number | undefined
  /**
   * Whether the store has used so much of its memory that it should not take new sessions and logs. It answers from what it has
   * seen before, at once, and looks again in the background.
   */
  nearlyFull(): boolean
  /** Resolves if the store answers and takes writes. @throws StoreUnavailable, with the trouble; StoreRefused */
  ping(): Promise<void>
  /**
   * Whether the store answers on a connection that is made for this question. Where it does and {@link ping} gets no answer,
   * the store lives, and this process alone does not reach it.
   */
  answersAnew?: (() => Promise<boolean>) | undefined
  /**
   * Opens the connection to what keeps the data while the process still starts. Otherwise the first operation does. Nobody waits
   * for it, and its failure is that of the first operation.
   */
  open?: (() => void) | undefined
  /**
   * The name of the server whose data the store keeps, called once by `createEndpoint`. A store that several servers could
   * share by mistake refuses all but one name (StoreRefused).
   */
  serve?: ((server: string) => void) | undefined
  /** Writes what is waiting and closes every connection. */
  close(): Promise<void>
  /** Resolves when the store does nothing more in the background, such as sliding a lifetime: the process may sleep then. */
  settled?: (() => Promise<void>) | undefined
  /** What operators ask of a store that several instances share. Its code is loaded by this. */
  admin?: (() => Promise<AdminStore>) | undefined
  /** The tasks that the store keeps. Their code is loaded by this. A store without it cannot have tools with tasks. */
  tasks?: (() => Promise<TaskStore>) | undefined
  /** The process may have been asleep for `idleMs` (a thawed Lambda environment): old connections are replaced first. */
  wake(idleMs: number): void
}

export type Store = SessionStore &
  CallStore &
  JournalStore &
  StreamStore &
  AskStore &
  BusStore &
  ValueStore &
  LimitStore &
  StoreBase
