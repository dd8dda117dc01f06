/** Changes to JSON, to texts and to the bytes of a body. */
import type { Random } from './random.ts'
import { text, value } from './values.ts'

/** A copy of parsed JSON with one change somewhere. */
export function changedJson(random: Random, original: unknown): unknown {
  const copy: unknown = structuredClone(original)
  const places: { of: Record<string, unknown>; name: string }[] = []
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return
    for (const name of Object.keys(part)) {
      places.push({ of: part as Record<string, unknown>, name })
      visit((part as Record<string, unknown>)[name])
    }
  }
  visit(copy)
  const place = places.length === 0 || random.chance(0.02) ? undefined : random.pick(places)
  if (!place) return value(random)
  const { of, name } = place
  const before = of[name]
  const set = (given: unknown) => void Object.assign(of, { [name]: given })
  random.weighted<() => void>([
    [6, () => set(value(random))],
    [2, () => void delete of[name]],
    [1, () => set([before])],
    [1, () => set(JSON.stringify(before))],
    [1, () => set([])],
    [1, () => set(null)],
    [2, () => define(of, text(random), value(random))],
    [1, () => define(of, text(random), before)],
    [2, () => typeof before === 'string' && set(changedText(random, before))],
  ])()
  return copy
}

/** `__proto__` becomes a member, as in parsed JSON. */
function define(of: object, name: string, given: unknown): void {
  if (Array.isArray(of)) of.push(given)
  else Object.defineProperty(of, name, { value: given, enumerable: true, configurable: true, writable: true })
}

export function changedText(random: Random, original: string): string {
  const at = random.below(original.length + 1)
  const [before, after] = [original.slice(0, at), original.slice(at)]
  return random.weighted<() => string>([
    [
      3,
      () =>
        before + String.fromCharCode(random.pick([0, 9, 10, 13, 32, 33, 46, 126, 127, 233, 65, 97])) + after.slice(1),
    ],
    [2, () => before],
    [2, () => before + after.slice(1)],
    [2, () => before + text(random) + after],
    [1, () => original + original],
    [1, () => original.toUpperCase()],
    [1, () => `${original}!${original}`],
    [1, () => text(random)],
  ])()
}

/** The bytes of a body, rarely as its client meant them. */
export function changedBytes(random: Random, original: string): string | Uint8Array {
  const bytes = Buffer.from(original)
  return random.weighted<() => string | Uint8Array>([
    [3, () => changedText(random, original)],
    [1, () => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes])],
    [1, () => Buffer.from(original, 'utf16le')],
    [1, () => bytes.subarray(0, random.below(bytes.length + 1))],
    [1, () => Buffer.from(original, 'latin1')],
    [1, () => bytes.subarray(random.below(bytes.length + 1))],
    [1, () => original.replace(/:/, ':1e400,"x":')],
    [1, () => original.replace(/"id":[^,]*,/, (found) => found + found)],
    [1, () => flipped(random, bytes)],
  ])()
}

function flipped(random: Random, bytes: Buffer): Uint8Array {
  const copy = Buffer.from(bytes)
  for (let i = 0; i < 3 && copy.length > 0; i++) copy[random.below(copy.length)] = random.below(256)
  return copy
}
