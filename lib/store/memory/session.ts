/** The parts of a session in memory, laid out like its keys in Redis. */
import type { Holder, Owner } from '../names.ts'
import type { KeptRecord, SessionRow } from '../sessions.ts'

/** Which connection holds a stream. */
export interface Place {
  holder: Holder | undefined
  /** The number after which the holder began; without a holder, the last number that a holder was sent. */
  start: number
}

/** A stream that belongs to the session and to no call. */
export interface OwnStream extends Place {
  end: number
}

export interface MemorySession {
  record: string
  kept: KeptRecord
  /** When the session was opened, and when it ends in any case, by the clock's `now`. */
  born: number
  ends: number
  level: string | undefined
  data: Map<string, string>
  /** Position in the list of changes at which each URI was subscribed. */
  subscriptions: Map<string, string>
  /** The bytes of the data with its names, and of the URIs of the subscriptions. */
  dataBytes: number
  uriBytes: number
  /** It keeps as many bytes as it may. */
  full: boolean
  /** Its lifetime was slid. */
  used: boolean
  /** Where the session stands in the list of changes. */
  position: string
  own: Map<string, OwnStream>
  /** The session had as many calls as it may when one registered. */
  busy: boolean
  /** The last `advance`, so that its repeat gets the same answer. */
  advanced: { id: string; first: number; count: number } | undefined
}

/** A session as it is read. What is kept with it is no part of what a store replies. */
export class Row implements SessionRow {
  readonly record: string
  readonly level: string | undefined
  readonly full: boolean
  readonly first: boolean | undefined
  readonly busy?: boolean
  readonly #kept: KeptRecord

  constructor({ record, level, full, busy, kept }: MemorySession, first: boolean) {
    this.record = record
    this.level = level
    this.full = full
    this.first = first || undefined
    if (busy) this.busy = true
    this.#kept = kept
  }

  get kept(): KeptRecord {
    return this.#kept
  }
}

export interface Call {
  id: string
  stream: string
  owner: Owner
  request: string | undefined
  cancelled: boolean
  durable: Durable | undefined
}

/** What a durable call has beside the others. */
export interface Durable {
  /** By name. */
  results: Map<string, string>
  /** The runs that began a single once, by its name. */
  begun: Map<string, Owner>
  /** By key. */
  asks: Map<string, { id: string; digest: string }>
  /** Of the results with their names. */
  bytes: number
  /** The ordinal of the handler's last message that the log has, where it has one. */
  said: number | undefined
  /** Since when nobody runs it, until when its parts are kept, and the asks that it waits for. */
  suspended: { since: number; until: number; asks: string[] } | undefined
  /** For how many ms it was suspended before its run. */
  slept: number | undefined
  note: string | undefined
}

export interface Ask {
  stream: string
  value: string | undefined
  /** The deadline of an ask of a durable call, by the clock's `now`. */
  deadline?: number | undefined
}

export interface Live {
  calls: Map<string, Call>
  /** Streams by `typedId` of the request. */
  ids: Map<string, string>
  places: Map<string, Place>
  asks: Map<string, Ask>
  /** Until when suspended calls need it, by the clock's `now`. */
  until: number
}

/** The end of a call by `endCall`, so that its repeat gets the same answer. */
export interface Over {
  owner: Owner
  cancelled: boolean
}
