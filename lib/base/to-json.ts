/** JSON of values that an author hands over. What JSON cannot hold is an error that names its place. */
import { textOf } from './errors.ts'

/** A value that JSON cannot hold. The message names the place: `structuredContent.id is a BigInt, …`. */
export class NotJson extends TypeError {
  override readonly name = 'NotJson'
}

/**
 * JSON of `value`.
 *
 * @param name of the value in errors; by default its members are named without it
 * @throws NotJson
 */
export function toJson(value: unknown, name = ''): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    const fault = faultIn(() => value, name, []) ?? `${named(name)} cannot be JSON: ${textOf(error)}`
    throw new NotJson(fault)
  }
  if (text === undefined) throw new NotJson(`${named(name)} is ${kindOf(value)}, which JSON cannot hold.`)
  return text
}

/** JSON of a result. @throws NotJson also for JSON that is no object */
export function resultJson(result: unknown): string {
  const text = toJson(result)
  if (text[0] !== '{') throw new NotJson(`The result is ${kindOf(JSON.parse(text))} and must be an object.`)
  return text
}

/** How errors name a value that has the wrong type. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'bigint') return 'a BigInt'
  return `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`
}

/** Levels that are searched. A deeper value is nested too deeply, whatever else is wrong with it. */
const DEEPEST = 1_000
/** Characters at the begin and at the end of a long place. */
const MAX_PLACE = 120

function named(place: string): string {
  if (place === '') return 'The value'
  return place.length <= 2 * MAX_PLACE ? place : `${place.slice(0, MAX_PLACE)}…${place.slice(-MAX_PLACE)}`
}

/** The first part that JSON.stringify fails at, with the reason. It reads in the order of JSON.stringify. */
function faultIn(read: () => unknown, place: string, above: unknown[]): string | undefined {
  try {
    const value = serializable(read)
    if (typeof value === 'bigint') return `${named(place)} is a BigInt, which JSON cannot hold.`
    if (typeof value !== 'object' || value === null) return undefined
    if (above.includes(value)) return `${named(place)} is circular: it contains itself.`
    if (above.length >= DEEPEST) return `${named(place)} is nested too deeply.`
    above.push(value)
    const isArray = Array.isArray(value)
    for (const key of Object.keys(value)) {
      const below = isArray ? `${place}[${key}]` : place === '' ? key : `${place}.${key}`
      const fault = faultIn(() => (value as Record<string, unknown>)[key], below, above)
      if (fault !== undefined) return fault
    }
    above.pop()
    return undefined
  } catch (error) {
    return `${named(place)} cannot be read: ${textOf(error)}`
  }
}

/** The value that JSON.stringify writes for the one that `read` reads. */
function serializable(read: () => unknown): unknown {
  const value = read() as { toJSON?: unknown } | null | undefined
  return typeof value?.toJSON === 'function' ? value.toJSON() : value
}
