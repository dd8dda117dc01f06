/** What a history has of durable calls, for its reader. */
import { type Call, type History, SINGLE } from '../history.ts'
import { isSuspended, twice } from './durable.ts'
import { Index } from './index.ts'
import { hasLostCall, isShutDown } from './outcomes.ts'

const ROWS = {
  calls: 'durable calls',
  'with a session, may be suspended': '- with a session of 2025-11-25, where they may be suspended',
  'with an earlier session': '- with a session of an earlier revision',
  'without a session': '- without a session (2026-07-28)',
  runs: 'runs of their handlers',
  suspended: 'suspensions',
  takeovers: 'takeovers of runs that were lost',
  effects: 'effects within `ctx.once`',
  storm: 'of these, done twice: a fault hit the effect itself, between its begin and the store',
  round: 'of these, done twice: the client lost the reply of a round without a session, and sent it again',
  failover: 'of these, done twice: a failover lost what the store had',
  twice: 'of these, done twice for another reason',
  singles: 'effects within `ctx.once` with `single`',
  singleTwice: 'of these, done twice',
  result: 'ended with a result',
  cancelled: 'cancelled by the client',
  broken: 'the connection broke, or the store was away, before the call had begun for its client',
  session: 'ended with their session',
  unknown: 'ended with the error that a single effect was begun and its outcome is unknown',
  shutDown: 'ended with an instance that was shut down, in a revision whose streams may not pause',
  error: 'ended with another error, which a fault explains',
  lost: 'lost with their instance',
  hung: 'had no outcome in all the time they had',
  open: 'not ended',
} as const

export type DurableCounts = Record<keyof typeof ROWS, number>

export function countDurable(history: History): DurableCounts {
  const index = new Index(history)
  const counts = Object.fromEntries(Object.keys(ROWS).map((name) => [name, 0])) as DurableCounts
  for (const call of history.calls) {
    if (call.tool !== 'durable') continue
    counts.calls++
    counts[kindOf(call)]++
    counts[endOf(index, call)]++
    const runs = index.runsOf(call)
    counts.runs += runs.length
    for (const [i, run] of runs.entries()) {
      const { entries } = run
      if (entries.some(({ e }) => e === 'suspended')) counts.suspended++
      const next = runs[i + 1]
      // A stateless call runs again for each of its rounds.
      if (next && call.revision !== '2026-07-28' && !isSuspended(index, run, next)) counts.takeovers++
      for (const { e, n } of entries) if (e === 'effect') counts[n === SINGLE ? 'singles' : 'effects']++
    }
    for (const { n, cause } of twice(index, call)) {
      if (n === SINGLE && cause !== 'failover') counts.singleTwice++
      else counts[cause ?? 'twice']++
    }
  }
  return counts
}

function kindOf({ revision }: Call): keyof DurableCounts {
  if (revision === '2026-07-28') return 'without a session'
  return revision === '2025-11-25' ? 'with a session, may be suspended' : 'with an earlier session'
}

function endOf(index: Index, call: Call): keyof DurableCounts {
  const [outcome] = call.outcomes
  switch (outcome?.kind) {
    case 'result':
    case 'hung':
      return outcome.kind
    case undefined:
      return 'open'
    case 'given up':
    case 'ended':
      return call.cancel ? 'cancelled' : 'lost'
    case 'broken':
    case 'refused':
      return 'broken'
    case 'gone':
      return 'session'
    case 'error':
      if (hasLostCall(index, call)) return 'lost'
      if (isShutDown(call)) return 'shutDown'
      return /begun/.test(outcome.text ?? '') ? 'unknown' : 'error'
  }
}

/** A table of Markdown. */
export function countsText(counts: DurableCounts): string {
  const rows = Object.entries(ROWS).map(
    ([name, text]) => `| ${text} | ${counts[name as keyof DurableCounts].toLocaleString('en')} |`,
  )
  return ['| of durable calls | |', '|---|--:|', ...rows].join('\n')
}
