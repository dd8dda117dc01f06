/** What durable calls did: each effect within `ctx.once` once, unless the storm hit the effect itself, and a single one never twice. */
import { type Call, ONCE_EFFECTS, SINGLE } from '../history.ts'
import type { Index, Run } from './index.ts'
import type { Problem } from './problem.ts'

/** An effect of a durable call that was done twice. */
export interface Twice {
  n: number
  at: number
  text: string
  /**
   * Why that may be. storm: its run was lost before `ctx.once` had returned. round: without a session, the client did not get the
   * reply that had the result, and sent the round again. Undefined: it may not be.
   */
  cause: 'storm' | 'round' | 'failover' | undefined
}

/** The effects of a call that were done again. */
export function twice(index: Index, call: Call): Twice[] {
  const done = index
    .runsOf(call)
    .flatMap((run) => run.entries.filter(({ e }) => e === 'effect').map((entry) => ({ by: run, ...entry })))
    .sort((a, b) => a.at - b.at)
  return done.flatMap((second, i) => {
    const earlier = done.slice(0, i).filter(({ n }) => n === second.n)
    const first = earlier.at(-1)
    if (!first) return []
    const { n = 0 } = first
    const kept = first.by.entries.some((entry) => entry.e === 'kept' && entry.n === n && entry.at <= second.at)
    const text = `in ${first.by.run} at ${first.at} (${kept ? '' : 'not '}kept) and in ${second.by.run} at ${second.at}`
    const lost = index.lost(first.at - index.signLasts, second.at)
    const hit =
      call.revision === '2026-07-28'
        ? earlier.length <= (call.again ?? []).filter((sent) => sent <= second.at).length && 'round'
        : first.by !== second.by && !kept && index.isHit(first.by.process, first.at, second.at) && 'storm'
    // The store remembers what was done: what a failover loses is done again. It may also lose the claim of the run that did it first,
    // which learns of that with its next sign of life.
    const cause = lost ? 'failover' : n !== SINGLE && hit ? hit : undefined
    return [{ n, at: second.at, text, cause }]
  })
}

export function checkDurable(index: Index, call: Call): Problem[] {
  const name = (n: number) => (n === SINGLE ? 'its single effect' : `effect ${n}`)
  const problems = twice(index, call).flatMap(({ n, at, text, cause }) => {
    if (cause) return []
    return [
      { property: 'effects happen once', call: call.call, at, text: `${call.call} (durable) had ${name(n)} ${text}` },
    ]
  })
  const [outcome] = call.outcomes
  if (outcome?.kind !== 'result') return problems
  const done = new Set(
    index.runsOf(call).flatMap(({ entries }) => entries.flatMap(({ e, n }) => (e === 'effect' ? [n] : []))),
  )
  const missing = Array.from({ length: ONCE_EFFECTS + 1 }, (_, n) => n).filter((n) => !done.has(n))
  if (missing.length === 0) return problems
  const text = `${call.call} (durable) has a result, and had not ${missing.map(name).join(', ')}`
  return [...problems, { property: 'results are true', call: call.call, at: outcome.at, text }]
}

/**
 * A suspended call is run again when it is answered. Its run may learn of that later than the next one begins; where the reply of the
 * store was lost, it ends as one that was lost, while it waits for its client.
 */
export function isSuspended(index: Index, { entries, process }: Run, next: Run): boolean {
  if (entries.some(({ e }) => e === 'suspended')) return true
  const last = entries.at(-1)
  const hasEnded = last?.e === 'abort'
  const asked = hasEnded ? entries.at(-2) : last
  if (asked?.e !== 'asked') return false
  if (hasEnded && last.at <= next.begun) return true
  return index.storeTroubled(process, asked.at, hasEnded ? last.at : next.begun)
}

/**
 * A run whose process stood still between its claim and its begin: another one has taken the call over meanwhile, and this one does
 * nothing before it learns of that.
 */
export function isTooLate(index: Index, { entries, process, begun }: Run): boolean {
  const did = entries.some(({ e }) => e === 'effect' || e === 'end' || e === 'suspended')
  return !did && entries.at(-1)?.e === 'abort' && index.mayBeTakenForDead(process, begun, begun)
}
