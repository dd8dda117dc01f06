/**
 * What the endpoint keeps outside its process, as operations on meaning: sessions, streams, calls, asks, mail,
 * changes, values. Each operation is one atomic step on one session (in Redis: one script on one slot), and each
 * may be sent twice without harm, because a client library repeats a command whose reply was lost.
 *
 * Every operation on a session's parts first requires that the session exists: that is what makes DELETE final.
 * All text handed to the store (records, messages, values) is opaque to it.
 */

/** A session's key: 128 bits of SHA-256 over principal and session id, base64url. */
export type SessionKey = string

/** The store did not answer, or not in time. It says nothing about whether a session exists: 503, never 404. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
}

/** The session's stream of its own, which `GET /mcp` holds. Its numbers and its holder live as long as the session. */
export const GET_STREAM = 'get'

/** How long the parts live, in ms. Every key has a lifetime from the moment it is written. */
export interface Lifetimes {
  /** The log of a stream that may still grow, and the live map; slid by each write and heartbeat. */
  open: number
  /** The log of a stream after its last message: how long a client may come back for it. */
  ended: number
  /** A cancel that came before its call. */
  cancelMark: number
  /** A mailbox, slid by each mail. */
  mailbox: number
  /** How long the repeat of a `post` is recognised. */
  repeat: number
  /** And that of an `endCall`, which only the client library sends again: as long as it tries. */
  endRepeat: number
  /** How long `live` stays after DELETE, so that a repeated DELETE still finds whom to tell. */
  afterDelete: number
  /** What must outlive every session: the list of changes, the list of a principal's sessions. */
  longest: number
}

export const DEFAULT_LIFETIMES: Lifetimes = {
  open: 60 * 60_000,
  ended: 5 * 60_000,
  cancelMark: 30_000,
  mailbox: 10 * 60_000,
  repeat: 10 * 60_000,
  endRepeat: 10_000,
  afterDelete: 60_000,
  longest: 31 * 24 * 60 * 60_000,
}

/** Bounds of one stream's log. What is over them is trimmed from the front; a resume from there is told so. */
export interface LogBounds {
  messages: number
  /** Of all messages together. The newest message stays, whatever its size. */
  bytes: number
}

export const DEFAULT_LOG_BOUNDS: LogBounds = { messages: 10_000, bytes: 16 * 1024 * 1024 }

/** What every store takes. */
export interface StoreOptions {
  lifetimes?: Partial<Lifetimes> | undefined
  log?: Partial<LogBounds> | undefined
  /** How many list changes are kept for sessions that were away; default 1,000. */
  changes?: number | undefined
  /** Failures that nobody waits for, such as an exception from a {@link Receiver}. */
  onError?: ((error: unknown) => void) | undefined
}

export const DEFAULT_CHANGES = 1_000

export interface SessionRow {
  record: string
  level: string | undefined
}

/** `<instance>:<token>`: who holds a stream (one token a connection) or runs a call (one token a run). */
export type Holder = string
export type Owner = string

export interface LogEntry {
  /** Event number: 1, 2, 3 … without a hole. */
  n: number
  /** The tag of the run or instance that wrote it: a rolled-back log reuses numbers, but not tags. */
  tag: string
  /** The JSON text of the message; '' on a marker that only ends the stream. */
  data: string
  /** True on the entry after which nothing follows. */
  final: boolean
}

export interface Registration {
  /** `typedId` of the request. */
  id: string
  stream: string
  owner: Owner
  /** The connection that holds the call's stream from the start; absent where nobody holds it. */
  holder?: Holder | undefined
  /** The request, for a call that may be run again by another instance. */
  request?: string | undefined
  /** How many calls a session may have registered at once. */
  max?: number | undefined
}

/** ok; taken: the id is in use by another call of the session; full: it has `max` calls; gone: no such session. */
export type RegisterReply = { status: 'ok' | 'taken' | 'full' | 'gone'; cancelled: boolean; level: string | undefined }

export interface Append {
  stream: string
  /** The run that appends. Only the registered owner may (the fence). */
  owner: Owner
  /** The number of the first message. */
  from: number
  messages: string[]
  tag: string
  /** The last message is the end of the stream: `live` forgets the call in the same step. */
  final: boolean
  /** Registers the call in the same step, before the messages are added. */
  register?: Registration | undefined
  /** Asks that these messages carry: they become pending in the same step. */
  asks?: string[] | undefined
  /** With `final`: asks of this call to forget. */
  forget?: string[] | undefined
}

/**
 * ok (also when the same run sends the same entries again); lost: another run owns the call or it has ended;
 * cancelled: nothing was added, the run must stop and call `endCall`; gap: `from` is beyond `end + 1`, send again
 * from there; taken, full, gone: as {@link RegisterReply}.
 */
export interface AppendReply {
  status: 'ok' | 'lost' | 'cancelled' | 'gap' | 'taken' | 'full' | 'gone'
  /** The number of the last entry of the log. */
  end: number
  holder: Holder | undefined
  level: string | undefined
}

export type TakeReply =
  | {
      status: 'ok'
      /** Everything after the position asked for. */
      entries: LogEntry[]
      /** The number of the last entry, and the tag of the entry at the position (undefined at 0 or when trimmed). */
      end: number
      position: number
      tag: string | undefined
      previous: Holder | undefined
      /** Who runs the call; '' if it was released for anyone to claim; undefined if the call is over or was never registered. */
      owner: Owner | undefined
      ended: boolean
      level: string | undefined
    }
  /**
   * gone: no such session. unknown: the stream has no log. trimmed: the log no longer reaches back to the position.
   * beyond: the position is after the end, or its tag is another: it was never given out, or the log was rolled back.
   */
  | { status: 'gone' | 'unknown' | 'trimmed' | 'beyond' }

export interface LookReply {
  gone: boolean
  /**
   * Another connection holds the stream now, or the log cannot be read on from the position (it was trimmed beyond
   * it, or rolled back): the response ends, and a client that comes back is told by {@link TakeReply} what is wrong.
   */
  moved: boolean
  entries: LogEntry[]
  /** As in {@link TakeReply}. */
  owner: Owner | undefined
  ended: boolean
}

export interface CallLook {
  /** gone: no such session; lost: another run owns the call, or it has ended. */
  status: 'ok' | 'lost' | 'gone'
  cancelled: boolean
  level: string | undefined
  /** The answers that have arrived, by ask. */
  answers: Map<string, string>
  /** Who holds the call's stream. */
  holder: Holder | undefined
}

export interface ClaimReply {
  /** over: the call has ended; lost: somebody else claimed it. */
  status: 'ok' | 'lost' | 'over' | 'gone'
  cancelled: boolean
  /** The number of the last entry: the new run goes on at `end + 1`. */
  end: number
  /** `typedId` of the call's request, and the stored request if the call may be run again. */
  id: string | undefined
  request: string | undefined
}

/** What a session's stream of its own (GET) gets from the list of changes. */
export interface Advance {
  /** The connection that holds the stream `get`. */
  holder: Holder
  tag: string
  /** Position in the list of changes: where the session stands, and where it stands afterwards. */
  from: string
  to: string
  /** Messages for every session. */
  messages: string[]
  /** Messages for a session that subscribed to `uri` before the change at `at`. */
  updates: { uri: string; at: string; message: string }[]
}

/** moved: another connection holds the stream, or the session does not stand at `from`: nothing was added. */
export type AdvanceReply = { status: 'ok' | 'moved' | 'gone'; entries: LogEntry[] }

/** Server to client news that belong to no call. */
export type Change = { kind: 'tools' | 'prompts' | 'resources' } | { kind: 'updated'; uri: string }

export interface ChangeEntry {
  /** Position in the list; positions are compared with {@link comparePositions}. */
  at: string
  change: Change
}

export interface Changes {
  entries: ChangeEntry[]
  /** True if the list no longer reaches back to the position asked for. */
  trimmed: boolean
}

/** What an instance's waiting connection hands over. Mail that was sent before a change is handed over before it. */
export interface Receiver {
  mail(message: string): void
  change(entry: ChangeEntry): void
  /** The connection was lost and is back, or mail may have been missed: look for yourself. */
  resumed(): void
}

export interface Receiving {
  stop(): Promise<void>
}

/** The kinds of shared values that belong to no session. */
export type ValueKind = 'user' | 'handle' | 'elic' | 'used'

export interface Store {
  readonly kind: 'memory' | 'redis'

  /** Resolves if the store answers. @throws StoreUnavailable */
  ping(): Promise<void>
  /** Writes what is waiting and closes every connection. */
  close(): Promise<void>
  /**
   * The process may have been asleep for `ms` (a thawed Lambda environment): connections that are that old are
   * replaced before the next command.
   */
  wake(idleMs: number): void

  // Sessions -----------------------------------------------------------------------------------------------------

  /**
   * Writes a new session with this lifetime (ms). Its position in the list of changes is the present moment.
   * With `owner` the session is counted under that principal, and refused (false) where it already has `max`.
   */
  createSession(
    key: SessionKey,
    record: string,
    lifetime: number,
    owner?: { id: string; max: number },
  ): Promise<boolean>
  /**
   * Reads a session in one round trip, and slides its lifetime (not if undefined): from now on it lives for at least
   * `lifetime` ms, and at most a hundredth longer.
   */
  readSession(key: SessionKey, lifetime: number | undefined): Promise<SessionRow | undefined>
  /** Replaces the record of a session that exists. */
  replaceRecord(key: SessionKey, record: string): Promise<boolean>
  /**
   * Ends a session: record, data, subscriptions, logs and asks go; `live` stays for a short while.
   * Returns whom to tell (also when repeated), or undefined where there is no session and nobody to tell.
   */
  deleteSession(
    key: SessionKey,
    owner?: { id: string },
  ): Promise<{ existed: boolean; holders: Holder[]; owners: Owner[] } | undefined>
  /** Sets the log level; returns the owners of registered calls, to be told, or undefined if the session is gone. */
  setLevel(key: SessionKey, level: string): Promise<Owner[] | undefined>
  getData(key: SessionKey, name: string): Promise<string | undefined>
  /** Sets or (undefined) removes the author's data. False if the session is gone. */
  setData(key: SessionKey, name: string, value: string | undefined): Promise<boolean>
  /**
   * The holder of the GET stream (to be told), null if nobody holds it, or undefined if the session is gone; false: it
   * has `max` subscriptions.
   */
  subscribe(key: SessionKey, uri: string, max: number): Promise<Holder | null | undefined | false>
  unsubscribe(key: SessionKey, uri: string): Promise<Holder | null | undefined>
  subscriptions(key: SessionKey): Promise<string[]>

  // Calls and streams --------------------------------------------------------------------------------------------

  register(key: SessionKey, registration: Registration): Promise<RegisterReply>
  append(key: SessionKey, append: Append): Promise<AppendReply>
  /**
   * Ends a call without a message: the log (if `mark`) gets its end marker, `live` forgets call, request and asks.
   * Returns whether the call had been cancelled, and who holds the stream.
   */
  endCall(
    key: SessionKey,
    call: { stream: string; owner: Owner; mark: boolean; forget?: string[] | undefined },
  ): Promise<{ status: 'ok' | 'lost' | 'gone'; cancelled: boolean; holder: Holder | undefined }>
  /**
   * Appends to a stream that no run owns (the GET stream). Numbers are given by the store.
   * `id` makes a repeat harmless: a message already added under the same id is not added again.
   */
  post(
    key: SessionKey,
    stream: string,
    message: string,
    tag: string,
    id: string,
  ): Promise<{ status: 'ok' | 'gone'; n: number; holder: Holder | undefined }>
  /**
   * Makes a connection the holder of a stream and reads its log after `after`; undefined: after the last number
   * handed to a holder, or from where the log begins now. `tag` is that of the entry at `after` ('' is not compared).
   */
  take(
    key: SessionKey,
    stream: string,
    holder: Holder,
    after: { n: number; tag: string } | undefined,
  ): Promise<TakeReply>
  /**
   * The heartbeat of a holder: reads only, and slides the lifetimes (session: `lifetime` ms). With `tag`, that of the
   * entry at `after`, a rolled-back log is noticed.
   */
  look(
    key: SessionKey,
    stream: string,
    holder: Holder,
    after: number,
    lifetime: number,
    tag?: string,
  ): Promise<LookReply>
  /** Gives a stream up, if this connection holds it. After DELETE: the holder need not be told again. */
  release(key: SessionKey, stream: string, holder: Holder): Promise<void>
  /** The heartbeat of a run: is it still its own, was it cancelled, have answers arrived. Slides lifetimes. */
  lookCall(key: SessionKey, stream: string, owner: Owner, asks: string[], lifetime: number): Promise<CallLook>
  /** The calls of a session and who runs each: for the one connection that all of them speak through (HTTP+SSE). */
  calls(key: SessionKey): Promise<{ stream: string; owner: Owner }[]>
  /** Takes over the call of a stream from `expected` ('' for a released one). Repeated by the same run it is still ok. */
  claim(key: SessionKey, stream: string, expected: Owner, owner: Owner): Promise<ClaimReply>
  /** A draining owner lets anyone claim the call. */
  releaseCall(key: SessionKey, stream: string, owner: Owner): Promise<void>
  /** Reads a stream's log whole (a second run looks what was already told). */
  readLog(key: SessionKey, stream: string): Promise<LogEntry[]>
  /** Marks a call as cancelled, or leaves a mark for one that has not registered yet. `id` is a `typedId`. */
  cancel(key: SessionKey, id: string): Promise<{ owner: Owner | undefined; stream: string | undefined }>

  // Asks ---------------------------------------------------------------------------------------------------------

  /** Stores an answer if the ask is pending. The owner is to be told, also on a repeat; undefined: unknown ask. */
  answer(key: SessionKey, ask: string, value: string): Promise<{ stored: boolean; owner: Owner | undefined }>
  /** Ends the wait: the answer if there is one, else the ask is removed. */
  closeAsk(key: SessionKey, ask: string): Promise<string | undefined>
  /** Reads `p:<stream>` bookkeeping of the GET stream: where the session stands in the list of changes. */
  changePosition(key: SessionKey): Promise<string | undefined>
  advance(key: SessionKey, advance: Advance): Promise<AdvanceReply>

  // Between instances --------------------------------------------------------------------------------------------

  /** Puts a message into the mailbox of an instance, which may be dead. */
  send(instance: string, message: string): Promise<void>
  /** Starts to receive: mail from the beginning of the mailbox, changes from now on. Opens the waiting connection. */
  receive(instance: string, receiver: Receiver): Promise<Receiving>
  /** The instance lives for another `ttl` ms. */
  up(instance: string, ttl: number): Promise<void>
  /** The instance ends: its sign of life and its mailbox are removed. */
  down(instance: string): Promise<void>
  /** Which of these instances live. */
  alive(instances: string[]): Promise<boolean[]>

  publish(change: Change): Promise<void>
  /** The changes after a position. */
  changesAfter(position: string): Promise<Changes>
  /** The position of the newest change, '0-0' where there was none. */
  lastChange(): Promise<string>

  // Values -------------------------------------------------------------------------------------------------------

  /** Reads a value; with `lifetime` its life slides to that many ms. */
  getValue(kind: ValueKind, id: string, lifetime?: number): Promise<string | undefined>
  setValue(kind: ValueKind, id: string, value: string, lifetime: number): Promise<void>
  /** Sets a value only if there is one (a handle that expired does not come back). */
  replaceValue(kind: ValueKind, id: string, value: string, lifetime: number): Promise<boolean>
  /** Sets a value only if there is none. False: it was there. A repeat with the same value is true. */
  addValue(kind: ValueKind, id: string, value: string, lifetime: number): Promise<boolean>
  deleteValue(kind: ValueKind, id: string): Promise<void>

  // Limits, told in the background: a repeat that counts twice does little harm ------------------------------------

  /** Adds `n` to a count that is forgotten `lifetime` ms after it was last added to; returns what it is now. */
  count(id: string, n: number, lifetime: number): Promise<number>
  /** Counts a member for `lifetime` ms (0: no longer; '' is nobody), and returns how many there are. */
  occupy(id: string, member: string, lifetime: number): Promise<number>
}

/** Orders positions `<ms>-<seq>` in the list of changes: negative, zero or positive. */
export function comparePositions(a: string, b: string): number {
  const [aMs = '0', aSeq = '0'] = a.split('-')
  const [bMs = '0', bSeq = '0'] = b.split('-')
  return Number(aMs) - Number(bMs) || Number(aSeq) - Number(bSeq)
}
