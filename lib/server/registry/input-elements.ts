/** The bound `maxToolInputElements` of the official SDK: how many elements and members the arguments of a call may have. */
import type { Check } from '../schema/check.ts'
import type { CompiledSchema } from '../schema/schema.ts'

/** @throws RangeError for a number below 1, and for what is no number */
export function requireElements(most: number): void {
  if (typeof most !== 'number' || !(most >= 1)) {
    throw new RangeError('maxToolInputElements must be 1 or more, or Infinity.')
  }
}

/** `input` with the bound: arguments are counted before they are checked. A tool without a schema is bounded too. */
export function bounded(input: CompiledSchema | undefined, most: number): CompiledSchema {
  const check: Check = input?.check ?? ((value) => ({ ok: true, value }))
  return {
    json: input?.json ?? {},
    check: (value) =>
      hasMore(value, most)
        ? { ok: false, problems: `they have more than ${most} elements (maxToolInputElements of the server)` }
        : check(value),
  }
}

/** True if arrays and objects in `value` have more than `most` elements and members together. */
function hasMore(value: unknown, most: number): boolean {
  const open = [value]
  for (let count = 0; open.length > 0; ) {
    const node = open.pop()
    if (typeof node !== 'object' || node === null) continue
    const parts: unknown[] = Array.isArray(node) ? node : Object.values(node)
    count += parts.length
    if (count > most) return true
    for (const part of parts) open.push(part)
  }
  return false
}
