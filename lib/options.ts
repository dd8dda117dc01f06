/** Options that are given in code are checked as the variables of the environment are, against the table of settings. */
import type { Group, Setting, Values } from './base/setting.ts'
import { defaultsOf } from './settings.ts'

interface Bounds {
  from: number
  to: number
}

/** A timer runs for 24 days at most. */
const SECONDS: Bounds = { from: 0, to: 2_000_000 }
const WHOLE: Bounds = { from: 0, to: 999_999_999 }

/** The bounds of a number, those of a duration in seconds. */
export function boundsOf(setting: Setting): Bounds {
  const { from, to } = setting as Partial<Bounds>
  const usual = setting.kind === 'duration' ? SECONDS : WHOLE
  return { from: from ?? usual.from, to: to ?? usual.to }
}

/**
 * The options of a group: the given ones, and the defaults of the others.
 *
 * @param name what the group is called in `createEndpoint`
 * @throws TypeError with one line that names the option and says what it may be
 */
export function readOptions<G extends Group>(name: string, group: G, given: Partial<Values<G>> = {}): Values<G> {
  const options: Record<string, unknown> = defaultsOf(group)
  for (const [option, value] of Object.entries(given)) {
    const setting = group[option]
    if (!setting) throw new TypeError(`${name} has no option ${option}.`)
    // A rate of undefined is no limit. Else an option that is undefined is not given.
    if (value === undefined && setting.kind !== 'rate') continue
    const wanted = wantedOf(setting, value)
    if (wanted !== undefined) throw new TypeError(`${name}.${option} must be ${wanted}, not ${shown(value)}.`)
    options[option] = value
  }
  return options as Values<G>
}

/** What an option must be, where it is something else. */
function wantedOf(setting: Setting, value: unknown): string | undefined {
  if (setting.kind === 'duration') {
    const { from, to } = boundsOf(setting)
    return isWithin(value, from * 1_000, to * 1_000) ? undefined : `from ${from * 1_000} to ${to * 1_000} ms`
  }
  if (setting.kind === 'count') {
    const { from, to } = boundsOf(setting)
    return Number.isInteger(value) && isWithin(value, from, to) ? undefined : `a whole number from ${from} to ${to}`
  }
  if (setting.kind === 'flag') return typeof value === 'boolean' ? undefined : 'true or false'
  if (setting.kind === 'choice') {
    return setting.values.some((known) => known === value) ? undefined : `one of ${setting.values.join(', ')}`
  }
  if (setting.kind === 'rate')
    return isRate(value) ? undefined : '{ perSecond, burst } (above 0, from 1 on) or undefined'
  return undefined
}

function isWithin(value: unknown, from: number, to: number): boolean {
  return typeof value === 'number' && value >= from && value <= to
}

function isRate(value: unknown): boolean {
  if (value === undefined) return true
  if (typeof value !== 'object' || value === null) return false
  const { perSecond, burst } = value as Record<string, unknown>
  return isWithin(perSecond, Number.MIN_VALUE, WHOLE.to) && isWithin(burst, 1, WHOLE.to)
}

function shown(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
