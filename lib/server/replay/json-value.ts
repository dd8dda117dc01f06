/** Values that JSON changes: a replay gets what JSON has kept of the result of `ctx.once`. */
import { kindOf } from '../../base/to-json.ts'

/** Levels that are looked at. */
const DEEPEST = 20

/** A sentence about the first part of `value` that a replay gets as something else. Undefined: there is none. */
export function changedByJson(value: unknown): string | undefined {
  return changedIn(value, '', 0)
}

function changedIn(value: unknown, place: string, depth: number): string | undefined {
  const where = place === '' ? 'the result' : `"${place}"`
  if (typeof value === 'number' && !Number.isFinite(value)) return `${where} is ${value}, and null in a replay`
  if (typeof value === 'function' || typeof value === 'symbol')
    return `${where} is ${kindOf(value)}, which a replay has not`
  if (typeof value !== 'object' || value === null || depth > DEEPEST) return undefined
  const name = value.constructor?.name
  if (!Array.isArray(value) && name !== undefined && name !== 'Object') {
    return `${where} is of the class ${name}, and ${JSON.stringify(value) ?? 'nothing'} in a replay`
  }
  for (const [key, member] of Object.entries(value)) {
    const below = place === '' ? key : `${place}.${key}`
    const found = changedIn(member, below, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}
