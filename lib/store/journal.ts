/**
 * The journal of a call that may be run again: results of `ctx.once`, asks by key, and their answers. A call is suspended while
 * nobody runs it and it waits for its client. Names and keys are digests; a store sees no text of an author.
 */
import type { ClaimReply, Registration } from './calls.ts'
import type { Holder, Owner, SessionKey, Status } from './names.ts'
import type { LogEntry, Position } from './streams.ts'

/** The value of an ask whose deadline passed before its answer came. Answers are JSON, and never this. */
export const TIMED_OUT = '!timeout'

/** Bytes of the names and values in the journal of one call, and how many of them there are. */
export const JOURNAL_BYTES = 256 * 1024
export const JOURNAL_ENTRIES = 1_000
/** Calls of a session that are suspended at once. */
export const MAX_SUSPENDED = 20

/** A step of `ctx.once`. */
export interface Keep {
  stream: string
  /** The run. Any run but the registered owner is refused (the fence). */
  owner: Owner
  /** Registers the call in the same step, where it is not registered yet. */
  register?: Registration | undefined
  /** A digest. */
  name: string
  /** begin and fail: of a single one only. begin: before its effect. end: its effect is done, with `value`. fail: it has none. */
  step: 'begin' | 'end' | 'fail'
  /** JSON text. */
  value?: string | undefined
  /** The ordinal of the handler's last message that the log has, for a call that had no journal when that was added. */
  said?: number | undefined
}

/**
 * ok: the step is stored, also when repeated. known: a value is kept already, and stays. begun: another run began this single one
 * and did not end it. lost: another run owns the call, or it has ended. cancelled: nothing was written; the run must stop and call
 * `endCall`. full: the journal, or the session, keeps as much as it may; nothing was written. gone: no such session.
 */
export type KeepReply =
  | { status: 'known'; value: string }
  | Status<'ok' | 'begun' | 'lost' | 'cancelled' | 'full' | 'gone'>

/** An ask as its first run made it. */
interface KeptAsk {
  id: string
  /** Of what was asked. */
  digest: string
  /** ms until its deadline, by the clock of the store; 0 or less: it has passed. */
  due: number
}

/** What a run goes on from that takes a call over. */
export interface Journal {
  /** By digest of the name. */
  results: Map<string, string>
  /** By digest of the key. */
  asks: Map<string, KeptAsk>
  /** By id of the ask; {@link TIMED_OUT} where its deadline passed first. Each later run finds the same. */
  answers: Map<string, string>
  /** The ordinal of the handler's last message that the log has; 0 where it has none. */
  said: number
  /** For how many ms the call was suspended until this claim. */
  slept: number | undefined
  /** That of its last suspension. */
  note?: string | undefined
}

/** A call that its run gives up while it waits for its client. */
export interface Suspension {
  stream: string
  owner: Owner
  /** The asks that it waits for. */
  asks: string[]
  /** A text for polls, and for the next run. */
  note?: string | undefined
  /** How many calls of the session may be suspended at once; default {@link MAX_SUSPENDED}. */
  max?: number | undefined
}

/**
 * ok: nobody runs the call; `holder` holds its stream. news: one of the asks is answered or past its deadline: nothing was written,
 * the run goes on, and `answers` has what is stored. full: as many calls of the session are suspended as may be; the run goes on.
 * lost: another run owns the call, it has ended, or this is a repeat: the run is over in any case. cancelled: the run must stop
 * and call `endCall`. gone: no such session.
 */
export type SuspendReply =
  | { status: 'ok'; holder: Holder | undefined }
  | { status: 'news'; answers: Map<string, string> }
  | Status<'full' | 'lost' | 'cancelled' | 'gone'>

/**
 * suspended: nobody runs the call, and nothing is due. due: anything else; attend, and `take` the stream. trimmed, beyond: as in
 * `take`. gone: no such session.
 */
export type PollReply =
  | {
      status: 'suspended'
      /** Everything after the position. */
      entries: LogEntry[]
      /** For how many ms the call has been suspended. */
      since: number
      /** That of the suspension. */
      note?: string | undefined
      level: string | undefined
    }
  | Status<'due' | 'gone' | 'trimmed' | 'beyond'>

/** The claim of a suspended call by the step that stores an answer. */
export type Taken = Extract<ClaimReply, { status: 'ok' }> & { stream: string }

export interface JournalStore {
  /** A step of `ctx.once`. A call that was registered without `durable` is durable from then on. */
  keep(key: SessionKey, keep: Keep): Promise<KeepReply>
  /**
   * Nobody runs the call from now on, until one of its asks is answered or past its deadline by the clock of the store. It lives
   * until its last deadline and a while longer.
   */
  suspend(key: SessionKey, suspension: Suspension): Promise<SuspendReply>
  /** What a client needs that comes back to a stream. Nobody becomes its holder. */
  poll(key: SessionKey, stream: string, after: Position): Promise<PollReply>
}
