/** The lines of `dev` about requests that a security setting refused: each reason has one, with the cause and the cure. */
import { explainEvent } from '../../connect/explain.ts'
import type { Refused } from './messages.ts'

/** Different reasons that are remembered. Clients choose the values in them, so that there may be any number. */
const MAX_REASONS = 50

/** Returns true for a reason that is new; after many of them, for none. */
export function newReasons(): (reason: string) => boolean {
  const known = new Set<string>()
  return (reason) => {
    if (known.has(reason) || known.size >= MAX_REASONS) return false
    known.add(reason)
    return true
  }
}

/**
 * Makes the listener for what instances report: several report the same, and so do those of the next version.
 *
 * @param warn prints a line
 */
export function refusalLines(warn: (line: string) => void): (refused: Refused) => void {
  const news = newReasons()
  return ({ status, reason }) => {
    if (!news(reason)) return
    const { cause, cure } = explainEvent(status, reason)
    warn(`A request got ${status}. ${cause} ${cure}`)
  }
}
