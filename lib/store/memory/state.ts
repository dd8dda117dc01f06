/** The state of the memory store, laid out like the keys in Redis, and how the operations read it. */
import type { Clock } from '../../base/clock.ts'
import { GET_STREAM, type Holder, type Owner, type SessionKey } from '../names.ts'
import { DEFAULT_LIFETIMES, DEFAULT_LOG_BOUNDS, type Lifetimes, type StoreOptions } from '../options.ts'
import type { LogEntry } from '../streams.ts'
import { Sweeper } from './expiring.ts'

/** Which connection holds a stream. */
export interface Place {
  holder: Holder | undefined
  /** The number after which the holder began; without a holder, the last number that a holder was sent. */
  start: number
}

/** A stream that belongs to the session and to no call. */
interface OwnStream extends Place {
  end: number
}

export interface MemorySession {
  record: string
  level: string | undefined
  data: Map<string, string>
  /** Position in the list of changes at which each URI was subscribed. */
  subscriptions: Map<string, string>
  /** Where the session stands in the list of changes. */
  position: string
  own: Map<string, OwnStream>
  /** The session had as many calls as it may when one registered. */
  full: boolean
  /** The last `advance`, so that its repeat gets the same answer. */
  advanced: { id: string; first: number; count: number } | undefined
}

export interface Call {
  id: string
  stream: string
  owner: Owner
  request: string | undefined
  cancelled: boolean
}

interface Live {
  calls: Map<string, Call>
  /** Streams by `typedId` of the request. */
  ids: Map<string, string>
  places: Map<string, Place>
  asks: Map<string, { stream: string; value: string | undefined }>
}

/** The end of a call by `endCall`, so that its repeat gets the same answer. */
interface Over {
  owner: Owner
  cancelled: boolean
}

export class State extends Sweeper {
  readonly lifetimes: Lifetimes
  readonly maxMessages: number
  readonly maxBytes: number
  readonly sessions = this.map<MemorySession>()
  readonly logs = this.map<LogEntry[]>()
  /** When each early cancel came. */
  readonly marks = this.map<number>()
  readonly over = this.map<Over>()
  readonly posted = this.map<number>()
  readonly #live = this.map<Live>()
  /** The streams of each session that have a log. */
  readonly #logNames = this.map<Set<string>>()

  constructor(options: StoreOptions, clock: Clock) {
    super(clock)
    this.lifetimes = { ...DEFAULT_LIFETIMES, ...options.lifetimes }
    this.maxMessages = options.log?.messages ?? DEFAULT_LOG_BOUNDS.messages
    this.maxBytes = options.log?.bytes ?? DEFAULT_LOG_BOUNDS.bytes
  }

  /** An operation on a session that exists; its reply is `gone` where there is none. */
  onSession<A extends unknown[], R>(operation: (session: MemorySession, key: SessionKey, ...args: A) => R) {
    return async (key: SessionKey, ...args: A): Promise<R | { status: 'gone' }> => {
      const session = this.sessions.get(key)
      return session ? operation(session, key, ...args) : { status: 'gone' }
    }
  }

  /** The present moment as a position in the list of changes: a change that is published in this millisecond is later. */
  nowPosition(): string {
    return `${this.clock.now() - 1}-0`
  }

  /** The live parts of a session, for reading. */
  peekLive(key: SessionKey): Live | undefined {
    return this.#live.get(key)
  }

  /** The live parts of a session that exists, for reading. */
  existingLive(key: SessionKey): Live | undefined {
    return this.sessions.has(key) ? this.#live.get(key) : undefined
  }

  /** The live parts of a session, for writing: made where there are none, and their lifetime begins again. */
  live(key: SessionKey): Live {
    const live = this.#live.get(key) ?? { calls: new Map(), ids: new Map(), places: new Map(), asks: new Map() }
    this.#live.set(key, live, this.lifetimes.open)
    return live
  }

  touchLive(key: SessionKey, lifetime = this.lifetimes.open): void {
    this.#live.touch(key, lifetime)
  }

  dropLive(key: SessionKey): void {
    this.#live.delete(key)
  }

  ownStream(session: MemorySession, stream: string): OwnStream | undefined {
    const own = session.own.get(stream)
    if (own || stream !== GET_STREAM) return own
    const made: OwnStream = { holder: undefined, start: 0, end: 0 }
    session.own.set(stream, made)
    return made
  }

  place(key: SessionKey, session: MemorySession, stream: string): Place | undefined {
    return this.ownStream(session, stream) ?? this.peekLive(key)?.places.get(stream)
  }

  holder(key: SessionKey, session: MemorySession, stream: string): Holder | undefined {
    return this.place(key, session, stream)?.holder
  }

  call(key: SessionKey, stream: string): Call | undefined {
    return this.peekLive(key)?.calls.get(stream)
  }

  log(key: SessionKey, stream: string): LogEntry[] {
    return this.logs.get(part(key, stream)) ?? []
  }

  /** The number of the last entry of a stream. */
  end(key: SessionKey, session: MemorySession, stream: string): number {
    return this.ownStream(session, stream)?.end ?? this.log(key, stream).at(-1)?.n ?? 0
  }

  /** Adds entries to a log and trims it. */
  add(key: SessionKey, stream: string, entries: LogEntry[]): void {
    if (entries.length === 0) return
    const log = this.#bounded(this.log(key, stream), entries)
    const { ended, open } = this.lifetimes
    this.logs.set(part(key, stream), log, log.at(-1)?.final ? ended : open)
    this.#logNames.set(key, (this.#logNames.get(key) ?? new Set()).add(stream), open)
  }

  /** The newest entries that fit; the newest one in any case. */
  #bounded(old: LogEntry[], entries: LogEntry[]): LogEntry[] {
    const all = [...old, ...entries]
    let bytes = this.#bytes.get(old) ?? 0
    for (const entry of entries) bytes += Buffer.byteLength(entry.data)
    let first = 0
    while (all.length - first > this.maxMessages || (bytes > this.maxBytes && all.length - first > 1)) {
      bytes -= Buffer.byteLength(all[first++]?.data ?? '')
    }
    const log = first === 0 ? all : all.slice(first)
    this.#bytes.set(log, bytes)
    return log
  }
  /** The bytes of each log. */
  readonly #bytes = new WeakMap<LogEntry[], number>()

  /** A heartbeat: the lifetime of a log that may still grow begins again. */
  touchLog(key: SessionKey, stream: string): void {
    if (this.log(key, stream).at(-1)?.final) return
    this.logs.touch(part(key, stream), this.lifetimes.open)
    this.#logNames.touch(key, this.lifetimes.open)
  }

  dropLogs(key: SessionKey): void {
    for (const stream of this.#logNames.get(key) ?? []) this.logs.delete(part(key, stream))
    this.#logNames.delete(key)
  }

  /** Forgets a call; the stream's holder stays. */
  forget(key: SessionKey, call: Call, asks: string[] | undefined): void {
    const live = this.live(key)
    live.calls.delete(call.stream)
    // Another call may have the same id.
    if (live.ids.get(call.id) === call.stream) live.ids.delete(call.id)
    for (const ask of asks ?? []) live.asks.delete(ask)
    if (live.places.get(call.stream)?.holder === undefined) live.places.delete(call.stream)
    this.dropEmptyLive(key)
  }

  dropEmptyLive(key: SessionKey): void {
    const live = this.peekLive(key)
    if (live && live.calls.size + live.places.size + live.asks.size === 0) this.#live.delete(key)
  }
}

/** The key of a part of a session. */
export function part(key: SessionKey, name: string): string {
  return `${key}\n${name}`
}
