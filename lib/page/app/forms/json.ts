/** JSON values, as the forms read and write them. */

export type Json = null | boolean | number | string | Json[] | JsonObject
export interface JsonObject {
  [name: string]: Json | undefined
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether both are the same value, whatever the order of their members. */
export function isSame(one: Json | undefined, other: Json | undefined): boolean {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((value, i) => isSame(value, other[i]))
  }
  if (isObject(one) && isObject(other)) {
    const names = Object.keys(one)
    return names.length === Object.keys(other).length && names.every((name) => isSame(one[name], other[name]))
  }
  return one === other
}

/** Indented, for people. */
export function prettyJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2) ?? 'undefined'
}

/** A value as a choice shows it. */
export function labelOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
