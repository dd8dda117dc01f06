/** Variables that look like a setting with a typing error. */
import { SETTINGS } from '../settings.ts'
import type { Environment } from './environment.ts'

/** Shorter names (PORT, HOST) resemble too many others. */
const SHORTEST = 7

/** A line for each variable that is no setting and resembles one that is not set. */
export function misspelled(env: Environment): string[] {
  const known = Object.values(SETTINGS).flatMap((group) =>
    Object.values(group).flatMap(({ variable }) => variable ?? []),
  )
  const names = new Set<string>(known)
  return Object.keys(env).flatMap((name) => {
    if (name.length < SHORTEST || names.has(name) || !/^[A-Z_]+$/.test(name)) return []
    const meant = known.find((other) => env[other] === undefined && other.length >= SHORTEST && resembles(name, other))
    return meant === undefined ? [] : [`${name} is no setting. Is ${meant} meant?`]
  })
}

/** True where one letter is missing, too many or wrong, or two are interchanged. */
function resembles(name: string, other: string): boolean {
  if (Math.abs(name.length - other.length) > 1) return false
  let begin = 0
  while (begin < name.length && name[begin] === other[begin]) begin++
  let [end, otherEnd] = [name.length, other.length]
  while (end > begin && otherEnd > begin && name[end - 1] === other[otherEnd - 1]) {
    end--
    otherEnd--
  }
  const [left, otherLeft] = [name.slice(begin, end), other.slice(begin, otherEnd)]
  const swapped = left.length === 2 && left === [...otherLeft].reverse().join('')
  return swapped || Math.max(left.length, otherLeft.length) <= 1
}
