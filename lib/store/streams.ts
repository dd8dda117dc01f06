/** Streams: which connection holds a stream, and what its log has. */
import type { Kept } from './calls.ts'
import type { Holder, Owner, SessionKey, Status } from './names.ts'

export interface LogEntry {
  /** Event number: 1, 2, 3 … without a hole. */
  n: number
  /** The tag of the run or instance that wrote the entry: a log that was rolled back reuses numbers, but not tags. */
  tag: string
  /** The JSON text of the message; '' on an entry that only ends the stream. */
  data: string
  /** True on the entry after which nothing follows. */
  final: boolean
}

/** A place in a log: behind the entry `n`, which has this tag. With the tag '' tags are not compared. */
export interface Position {
  n: number
  tag: string
}

/** ok: the message has the number `n`; `holder` holds the stream. gone: no such session. */
type PostReply = (Kept & { status: 'ok'; n: number; holder: Holder | undefined }) | Status<'gone'>

/** moved: another connection holds the stream, and nothing was removed. gone: no such session. */
type TrimReply = (Kept & { status: 'ok' }) | Status<'moved' | 'gone'>

/**
 * gone: no such session. unknown: the stream has no log. trimmed: the log no longer reaches back to the position.
 * beyond: the position is after the end, or its tag is another: it was never given out, or the log was rolled back.
 */
export type TakeReply =
  | {
      status: 'ok'
      /** Everything after the position. */
      entries: LogEntry[]
      /** The number of the last entry. */
      end: number
      /** The position, and the tag of the entry there (undefined at 0 or where that entry was trimmed). */
      position: number
      tag: string | undefined
      previous: Holder | undefined
      /** The run that owns the call; '' for a released call; undefined where no call has the stream. */
      owner: Owner | undefined
      ended: boolean
      level: string | undefined
      /** The call is suspended, and nothing is due: nobody runs it. */
      suspended?: true | undefined
    }
  | Status<'gone' | 'unknown' | 'trimmed' | 'beyond'>

/**
 * gone: no such session. moved: another connection holds the stream now, or the log cannot be read on from the position
 * (it was trimmed beyond it, or rolled back). The response ends; {@link StreamStore.take} reports the reason to a client
 * that comes back.
 */
export type LookReply =
  | (Kept & {
      status: 'ok'
      entries: LogEntry[]
      /** As in {@link TakeReply}. */
      owner: Owner | undefined
      ended: boolean
      /** As in {@link TakeReply}: the response ends, and its client polls. */
      suspended?: true | undefined
      /** The session is subscribed to something; of a stream that belongs to the session. */
      subscribed?: true | undefined
    })
  | Status<'moved' | 'gone'>

/** A step of a session through the list of changes: messages for its GET stream. */
export interface Advance {
  /** The connection that holds the GET stream. */
  holder: Holder
  tag: string
  /** Positions in the list of changes: where the session stands, and where it stands afterwards. */
  from: string
  to: string
  /** Messages for every session. */
  messages: string[]
  /** Messages for a session that subscribed to `uri` before the change at `at`. */
  updates: { uri: string; at: string; message: string }[]
}

/** moved: another connection holds the stream, or the session does not stand at `from`: nothing was added. */
type AdvanceReply = { status: 'ok'; entries: LogEntry[] } | Status<'moved' | 'gone'>

/** moved: another connection holds the stream, or none does (undefined). gone: no such session. */
type HolderReply = Status<'ok' | 'gone'> | { status: 'moved'; holder: Holder | undefined }

export interface StreamStore {
  /**
   * Appends to a stream that belongs to the session and to no call. The store gives the numbers. A message that was added
   * under the same `id` is not added again, and its repeat gets the same number.
   */
  post(key: SessionKey, stream: string, message: string, tag: string, id: string): Promise<PostReply>
  /**
   * Makes a connection the holder of a stream and reads the log after a position; undefined: after the last number that a
   * holder was sent, or from where the log begins now. From then on replies about the stream name this holder.
   */
  take(key: SessionKey, stream: string, holder: Holder, after: Position | undefined): Promise<TakeReply>
  /**
   * The heartbeat of a holder: returns the entries after a position, whose mail may have been lost, and slides the
   * lifetimes (session: `lifetime` ms, and `most` in all).
   */
  look(
    key: SessionKey,
    stream: string,
    holder: Holder,
    after: Position,
    lifetime: number,
    most?: number,
  ): Promise<LookReply>
  /**
   * Removes the entries up to a number from the log of a stream that belongs to the session: this connection, which holds it, has
   * delivered them, and nobody resumes from before them.
   */
  trim(key: SessionKey, stream: string, holder: Holder, upTo: number): Promise<TrimReply>
  /**
   * Gives a stream up, if this connection holds it ('': if none does). `sent`: its last message was sent, so that its log lives for `delivered` ms.
   * After DELETE: no repeated DELETE returns this holder.
   */
  release(key: SessionKey, stream: string, holder: Holder, sent?: boolean): Promise<void>
  /**
   * Compare and set of the holder of a stream that belongs to the session and has no log. '' stands for no holder. ok: `holder`
   * holds it, also where it did before. After DELETE the holder is notified as those of other streams.
   */
  replaceHolder(key: SessionKey, stream: string, expected: Holder, holder: Holder): Promise<HolderReply>
  /** The whole log of a stream; empty where there is none. */
  readLog(key: SessionKey, stream: string): Promise<LogEntry[]>
  /** Where the session stands in the list of changes; undefined where there is no session. */
  changePosition(key: SessionKey): Promise<string | undefined>
  /** Adds the messages of changes to the GET stream and moves the session's position, each change exactly once. */
  advance(key: SessionKey, advance: Advance): Promise<AdvanceReply>
}
