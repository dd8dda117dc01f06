/** The state of the memory store, laid out like the keys in Redis, and how the operations read it. */
import type { Clock } from '../../base/clock.ts'
import type { Kept } from '../calls.ts'
import { GET_STREAM, type Holder, type SessionKey } from '../names.ts'
import {
  DEFAULT_DATA_BYTES,
  DEFAULT_LIFETIMES,
  DEFAULT_LOG_BOUNDS,
  DEFAULT_SESSION_BYTES,
  type Lifetimes,
  type StoreOptions,
} from '../options.ts'
import type { LogEntry } from '../streams.ts'
import { type ExpiringMap, Sweeper } from './expiring.ts'
import { Parts } from './parts.ts'
import type { Call, Live, MemorySession, Over, OwnStream, Place } from './session.ts'

/** Bytes of an entry beside its text, about. */
const OVERHEAD = 200

export class State extends Sweeper {
  readonly lifetimes: Lifetimes
  readonly maxMessages: number
  readonly maxBytes: number
  readonly sessionBytes: number
  readonly dataBytes: number
  readonly sessions: ExpiringMap<MemorySession> = this.map()
  readonly logs: ExpiringMap<LogEntry[]> = this.map()
  /** When each early cancel came. */
  readonly marks: ExpiringMap<number> = this.map()
  readonly over: ExpiringMap<Over> = this.map()
  /** The streams of calls that their cancel ended, by session and id of the request. */
  readonly idle: ExpiringMap<string> = this.map()
  readonly posted: ExpiringMap<number> = this.map()
  /** What each session keeps. */
  readonly parts: ExpiringMap<Parts> = this.map()
  /** Cancels of each session that came before their calls. */
  readonly markCounts: ExpiringMap<number> = this.map()
  readonly #live: ExpiringMap<Live> = this.map()
  /** The streams of each session that have a log. */
  readonly #logNames: ExpiringMap<Set<string>> = this.map()

  /** @param most bytes that the store may keep in all */
  constructor(options: StoreOptions, clock: Clock, most: number) {
    super(clock, most)
    this.lifetimes = { ...DEFAULT_LIFETIMES, ...options.lifetimes }
    this.maxMessages = options.log?.messages ?? DEFAULT_LOG_BOUNDS.messages
    this.maxBytes = options.log?.bytes ?? DEFAULT_LOG_BOUNDS.bytes
    this.sessionBytes = options.sessionBytes ?? DEFAULT_SESSION_BYTES
    this.dataBytes = options.dataBytes ?? DEFAULT_DATA_BYTES
  }

  partsOf(key: SessionKey): Parts {
    const parts = this.parts.get(key) ?? new Parts()
    this.parts.set(key, parts, this.lifetimes.open)
    return parts
  }

  /** A part of a session has so many bytes for `lifetime` ms; returns what the session keeps. */
  hold(key: SessionKey, name: string, bytes: number, lifetime: number): number {
    return this.partsOf(key).hold(name, bytes, lifetime, this.clock.now())
  }

  /** A part of a session, if it is counted, counts for `lifetime` ms from now. */
  holdOn(key: SessionKey, name: string, lifetime: number): void {
    this.parts.get(key)?.keepFor(name, lifetime, this.clock.now())
    this.parts.touch(key, this.lifetimes.open)
  }

  /** What a session keeps. */
  held(key: SessionKey): number {
    return this.parts.get(key)?.sum(this.clock.now()) ?? 0
  }

  kept(key: SessionKey): Kept {
    return { held: this.held(key), heldFor: this.parts.get(key)?.timeLeft(this.clock.now()) ?? 0 }
  }

  weighSession(key: SessionKey, { record, dataBytes, uriBytes }: MemorySession): void {
    this.sessions.weigh(key, record.length + dataBytes + uriBytes + OVERHEAD)
  }

  weighLive(key: SessionKey): void {
    const live = this.#live.get(key)
    if (!live) return
    let bytes = 0
    for (const { request, durable } of live.calls.values()) {
      bytes += OVERHEAD + (request?.length ?? 0)
      if (durable) bytes += durable.bytes + OVERHEAD * (durable.results.size + durable.begun.size + durable.asks.size)
    }
    for (const { value } of live.asks.values()) bytes += OVERHEAD + (value?.length ?? 0)
    this.#live.weigh(key, bytes)
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
    return `${this.position() - 1}-0`
  }

  /** The present time in the list of changes: a whole number of ms, from 1 on. */
  position(): number {
    return Math.floor(this.clock.now()) + 1
  }

  /** Lets a session live `lifetime` ms from now, but not beyond its end, nor for more than `most` ms in all. */
  extend(
    key: SessionKey,
    { born, ends }: MemorySession,
    lifetime: number,
    most = Number.POSITIVE_INFINITY,
    now = this.clock.now(),
  ): void {
    this.sessions.touch(key, Math.min(lifetime, Math.min(ends, born + most) - now), now)
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
    const live = this.#live.get(key) ?? {
      ...{ calls: new Map(), ids: new Map(), places: new Map(), asks: new Map() },
      until: 0,
    }
    this.#live.set(key, live, Math.max(this.lifetimes.open, live.until - this.clock.now()))
    return live
  }

  touchLive(key: SessionKey): void {
    if (this.peekLive(key)) this.live(key)
  }

  /** The session has ended: its live parts are kept for a while. */
  endLive(key: SessionKey): void {
    this.#live.touch(key, this.lifetimes.afterDelete)
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

  /** Adds entries to a log and trims it; returns its bytes before and afterwards. */
  add(key: SessionKey, stream: string, entries: LogEntry[]): { before: number; bytes: number } {
    const old = this.log(key, stream)
    const before = this.#bytes.get(old) ?? 0
    if (entries.length === 0) return { before, bytes: before }
    const bytes = this.#setLog(key, stream, this.#bounded(old, entries, this.maxMessages, this.maxBytes))
    const { open } = this.lifetimes
    this.#logNames.set(key, (this.#logNames.get(key) ?? new Set()).add(stream), open)
    return { before, bytes }
  }

  #setLog(key: SessionKey, stream: string, log: LogEntry[]): number {
    const { ended, open } = this.lifetimes
    const bytes = this.#bytes.get(log) ?? 0
    this.logs.set(part(key, stream), log, log.at(-1)?.final ? ended : open)
    this.logs.weigh(part(key, stream), bytes + OVERHEAD * log.length)
    return bytes
  }

  /** Removes the entries up to a number; returns the bytes of the log. */
  dropUpTo(key: SessionKey, stream: string, n: number): number {
    const old = this.log(key, stream)
    const log = old.filter((entry) => entry.n > n)
    const bytes = log.reduce((sum, { data }) => sum + Buffer.byteLength(data), 0)
    this.#bytes.set(log, bytes)
    return old.length > 0 ? this.#setLog(key, stream, log) : 0
  }

  /** Leaves the newest entries of a log that fit into so many bytes; returns its bytes. */
  shrink(key: SessionKey, stream: string, maxBytes: number): number {
    return this.#setLog(key, stream, this.#bounded(this.log(key, stream), [], Number.POSITIVE_INFINITY, maxBytes))
  }

  /** The newest entries that fit; the newest one in any case. */
  #bounded(old: LogEntry[], entries: LogEntry[], maxMessages: number, maxBytes: number): LogEntry[] {
    const all = [...old, ...entries]
    let bytes = this.#bytes.get(old) ?? 0
    for (const entry of entries) bytes += Buffer.byteLength(entry.data)
    let first = 0
    while (all.length - first > maxMessages || (bytes > maxBytes && all.length - first > 1)) {
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
    this.holdOn(key, stream, this.lifetimes.open)
    this.logs.touch(part(key, stream), this.lifetimes.open)
    this.#logNames.touch(key, this.lifetimes.open)
  }

  /** A suspended call needs its session and its log until then. */
  keepUntil(key: SessionKey, { ends }: MemorySession, stream: string, until: number): void {
    const now = this.clock.now()
    this.sessions.touch(key, Math.max(this.sessions.timeLeft(key), Math.min(until, ends) - now), now)
    this.logs.touch(part(key, stream), Math.max(this.logs.timeLeft(part(key, stream)), until - now), now)
    this.#logNames.touch(key, Math.max(this.#logNames.timeLeft(key), until - now), now)
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
    this.weighLive(key)
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
