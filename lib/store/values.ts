/** Values that belong to no session, and what an author gets of them: `ctx.user` and `ctx.handles`. */
import { digest, randomId } from '../base/ids.ts'
import { handled } from '../base/promises.ts'
import { toJson } from '../base/to-json.ts'

/** user, handle: values of a principal. elic: the session of a URL elicitation. used: results of a state used once. */
export type ValueKind = 'user' | 'handle' | 'elic' | 'used'

/** Every value has a lifetime in ms from the moment it is written. */
export interface ValueStore {
  /** Reads a value; with `lifetime` it lives for that many ms from now on. */
  getValue(kind: ValueKind, id: string, lifetime?: number): Promise<string | undefined>
  setValue(kind: ValueKind, id: string, value: string, lifetime: number): Promise<void>
  /** Replaces a value that exists. gone: there is none, and none is made: a handle that expired does not come back. */
  replaceValue(kind: ValueKind, id: string, value: string, lifetime: number): Promise<{ status: 'ok' | 'gone' }>
  /**
   * Adds a value where there is none: of several callers with different values one gets ok. A repeat with the same value
   * is ok too. taken: another value is there.
   */
  addValue(kind: ValueKind, id: string, value: string, lifetime: number): Promise<{ status: 'ok' | 'taken' }>
  deleteValue(kind: ValueKind, id: string): Promise<void>
}

/** Values by name. Values are JSON. `set` replaces: of two calls that read, add and write at once, one overwrites the other. */
export interface KeyValues {
  get<T = unknown>(name: string): Promise<T | undefined>
  set(name: string, value: unknown): Promise<void>
  delete(name: string): Promise<void>
}

/** Stored values behind unguessable ids, bound to the principal. Unknown, expired and foreign all read as undefined. */
export interface Handles {
  /** Stores a value and returns its handle. `lifetime` in ms, default a day. */
  create(value: unknown, options?: { lifetime?: number }): Promise<string>
  get<T = unknown>(handle: string): Promise<T | undefined>
  /** Replaces the value; false if the handle is unknown, expired or foreign. */
  set(handle: string, value: unknown): Promise<boolean>
  delete(handle: string): Promise<void>
}

const USER_LIFETIME = 90 * 24 * 60 * 60_000
const HANDLE_LIFETIME = 24 * 60 * 60_000

/** The longest value of a principal, in characters of JSON. */
const MAX_VALUE = 1024 * 1024

function parse<T>(text: string | undefined): T | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as T)
}

/**
 * JSON of a value to be stored. `undefined` is stored as null.
 * @throws NotJson
 */
export function valueText(value: unknown): string {
  return toJson(value ?? null, 'value')
}

/** As {@link valueText}, for a principal. @throws RangeError for a value that is too long */
function boundedText(value: unknown): string {
  const text = valueText(value)
  if (text.length <= MAX_VALUE) return text
  throw new RangeError(`A value may have ${MAX_VALUE} characters of JSON; this one has ${text.length}.`)
}

/**
 * Values kept for a principal, at most 1 MiB each, 90 days after they were last read or written. Anonymous callers are one
 * principal.
 */
export function userValues(store: ValueStore, principal: string): KeyValues {
  const id = (name: string) => digest(`${principal}\n${name}`, 16)
  return handledValues({
    get: async <T>(name: string) => parse<T>(await store.getValue('user', id(name), USER_LIFETIME)),
    set: async (name, value) => store.setValue('user', id(name), boundedText(value), USER_LIFETIME),
    delete: async (name) => store.deleteValue('user', id(name)),
  })
}

/** The same values, whose promises an author may forget to await. */
export function handledValues({ get, set, delete: remove }: KeyValues): KeyValues {
  return {
    get: <T>(name: string) => handled(get<T>(name)),
    set: (name, value) => handled(set(name, value)),
    delete: (name) => handled(remove(name)),
  }
}

interface Stored {
  value: unknown
  lifetime: number
}

/**
 * Handles: 128 random bits, stored under a digest of principal and handle, so that a foreign one misses by
 * construction and the store's keys reveal none.
 */
export function handleValues(store: ValueStore, principal: string): Handles {
  const id = (handle: string) => digest(`${principal}\n${handle}`, 16)
  const textOf = (value: unknown, lifetime: number) =>
    `{"value":${boundedText(value)},"lifetime":${JSON.stringify(lifetime)}}`
  const read = async (handle: string) => parse<Stored>(await store.getValue('handle', id(handle)))
  async function create(value: unknown, { lifetime = HANDLE_LIFETIME }: { lifetime?: number } = {}) {
    const handle = randomId(16)
    await store.setValue('handle', id(handle), textOf(value, lifetime), lifetime)
    return handle
  }
  async function set(handle: string, value: unknown) {
    const stored = await read(handle)
    if (!stored) return false
    const text = textOf(value, stored.lifetime)
    const { status } = await store.replaceValue('handle', id(handle), text, stored.lifetime)
    return status === 'ok'
  }
  return {
    create: (value, options) => handled(create(value, options)),
    get: <T>(handle: string) => handled(read(handle).then((stored) => stored?.value as T | undefined)),
    set: (handle, value) => handled(set(handle, value)),
    delete: (handle) => handled(store.deleteValue('handle', id(handle))),
  }
}
