/** The options of every store: lifetimes and bounds. */

/** How long the parts of a store live, in ms. Every key has a lifetime from the moment it is written. */
export interface Lifetimes {
  /** The log of a stream that may still grow, and the live parts of a session. Each write and heartbeat slides it. */
  open: number
  /** The log of a stream after its last message: the time in which a client may resume it. */
  ended: number
  /** That log from when its last message was sent: the time in which a client that lost the last bytes may resume it. */
  delivered: number
  /** A cancel that came before its call. */
  cancelMark: number
  /** A mailbox. Each mail slides it. */
  mailbox: number
  /** How long a repeated `post` is recognised. */
  repeat: number
  /** How long a repeated `endCall` is recognised: as long as the client library tries to send it. */
  endRepeat: number
  /** How long the holders and owners of a deleted session are kept, so that a repeated DELETE still returns them. */
  afterDelete: number
  /** The list of changes, the list of a principal's sessions, and a session whose end nobody gave. */
  longest: number
}

export const DEFAULT_LIFETIMES: Lifetimes = {
  open: 60 * 60_000,
  ended: 5 * 60_000,
  delivered: 60_000,
  cancelMark: 30_000,
  mailbox: 10 * 60_000,
  repeat: 10 * 60_000,
  endRepeat: 10_000,
  afterDelete: 60_000,
  longest: 31 * 24 * 60 * 60_000,
}

/** Bounds of one stream's log. The oldest entries beyond them are removed; `take` reports that as `trimmed`. */
export interface LogBounds {
  messages: number
  /** Of all messages together. The newest message stays, whatever its size. */
  bytes: number
}

export const DEFAULT_LOG_BOUNDS: LogBounds = { messages: 10_000, bytes: 16 * 1024 * 1024 }

/** Bounds of the mail that waits for one instance. Beyond the bytes, everything that waits is dropped. */
export const DEFAULT_MAIL_BOUNDS: LogBounds = { messages: 10_000, bytes: 32 * 1024 * 1024 }
/** Bytes that one session keeps of logs, of the requests of its calls, and of answers. */
export const DEFAULT_SESSION_BYTES = 32 * 1024 * 1024
/** Bytes that the author's values of one session have, with their names. */
export const DEFAULT_DATA_BYTES = 16 * 1024 * 1024
/** Bytes that the URIs have that one session is subscribed to. */
export const MAX_URI_BYTES = 256 * 1024
/** Requests and answers with fewer bytes are not counted: the number of calls and asks of a session bounds them. */
export const COUNTED = 4_096
/** A log is counted whenever it has grown by so many bytes, and at its end. */
export const STEP = 65_536
/** A store that has used this part of its memory is nearly full. */
export const NEARLY_FULL = 0.8
/** Cancels of a session that come before their calls, in the lifetime of one. */
export const MAX_MARKS = 200

export interface StoreOptions {
  lifetimes?: Partial<Lifetimes> | undefined
  log?: Partial<LogBounds> | undefined
  mail?: Partial<LogBounds> | undefined
  /**
   * Bytes that one session may keep of logs, requests and answers; default 32 MiB. Beyond them its logs keep the newest
   * messages only, and its next calls do not stream.
   */
  sessionBytes?: number | undefined
  /** Bytes that the author's values of one session may have (`ctx.session`); default 16 MiB. */
  dataBytes?: number | undefined
  /** How many changes the list keeps for sessions whose client is away; default 1,000. */
  changes?: number | undefined
  /** Receives failures that no caller waits for, such as an exception from a {@link Receiver}. */
  onError?: ((error: unknown) => void) | undefined
}

export const DEFAULT_CHANGES = 1_000

/** @throws TypeError with a line that names the option */
export function checkStoreOptions({ lifetimes = {}, log = {}, changes, sessionBytes, dataBytes }: StoreOptions): void {
  const all = { ...named('lifetimes', lifetimes), ...named('log', log), changes, sessionBytes, dataBytes }
  for (const [name, value] of Object.entries(all)) checkWhole(name, value)
}

/** @throws TypeError where a number is given that is no whole number from 1 on */
export function checkWhole(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) return
  throw new TypeError(`${name} of the store must be a whole number from 1 on, not ${String(value)}.`)
}

function named(group: string, given: object): Record<string, number | undefined> {
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [`${group}.${name}`, value]))
}
