/** Rows of the table of settings: their kinds, and the options that a group of them gives. */

/** How many requests a client may send. */
export interface Rate {
  /** Requests per second in the long run. */
  perSecond: number
  /** Requests at once, by a client that was quiet before. */
  burst: number
}

/** The type of an option, by the kind of its row. */
interface Kinds {
  /** Milliseconds. The variable is in seconds. */
  duration: number
  count: number
  /** The variable is 1 or 0. */
  flag: boolean
  /** The variable is `50` (requests a second), `50/200` (and 200 at once) or `off` (no limit). */
  rate: Rate | undefined
  text: string
  /** The variable has commas between the items. */
  list: string[]
  /** The variable has base64 keys with commas between them. */
  keys: Uint8Array[]
}

type Row<K, T> = {
  kind: K
  /** Undefined: none, or it depends on other settings. */
  default: T | undefined
  variable: string | undefined
}

/** The bounds are those of the variable: a duration has them in seconds. */
type Bounds = {
  from?: number
  to?: number
}

export type Setting =
  | ((Row<'duration', number> | Row<'count', number>) & Bounds)
  | (Row<'choice', string> & { values: readonly string[] })
  | Row<'flag', boolean>
  | Row<'rate', Rate>
  | Row<'text', string>
  | Row<'list', readonly string[]>
  | Row<'keys', readonly Uint8Array[]>

export type Group = Readonly<Record<string, Setting>>

type Given<R extends Setting> = R extends { values: readonly (infer V)[] } ? V : Kinds[Exclude<R['kind'], 'choice'>]
type Value<R extends Setting> = R['default'] extends undefined ? Given<R> | undefined : Given<R>

/** The options of a group. */
export type Values<G extends Group> = { -readonly [K in keyof G]: Value<G[K]> }

/** Makes a function that makes rows of one kind. */
export function rows<K extends Setting['kind']>(kind: K) {
  return <T, const More extends object>(value: T, variable?: string, more?: More) =>
    ({ kind, default: value, variable, ...more }) as { kind: K; default: T; variable: string | undefined } & More
}

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
export const MIB = 1024 * 1024
/** In seconds, for a duration that must not be zero. */
export const SHORTEST = 0.1
