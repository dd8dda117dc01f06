/** What tools did: never twice where it may not be repeated, always where it was reported, never where it was refused. */
import { type Call, ONCE_EFFECTS, SINGLE } from '../history.ts'
import type { Index } from './index.ts'
import type { Problem } from './problem.ts'

/** Tools that may run again without harm: they read, or are idempotent. */
const REPEATABLE = new Set(['short', 'quiet', 'steps_again', 'ask_again'])
/** Tools that have an effect in every run that succeeds. */
const EFFECTIVE = new Set(['effect', 'steps', 'ask', 'stubborn', 'paused', 'once', 'announce'])

export function checkEffects(index: Index): Problem[] {
  return index.history.calls.flatMap((call) => checkCall(index, call))
}

function checkCall(index: Index, call: Call): Problem[] {
  const { call: name, tool, outcomes, sent } = call
  const runs = index.runsOf(call)
  const effects = runs.flatMap(({ entries }) => entries.filter(({ e }) => e === 'effect'))
  const [outcome] = outcomes
  const problem = (property: string, text: string, at?: number) => ({
    property,
    call: name,
    text: `${name} (${tool}) ${text}`,
    ...(at !== undefined && { at }),
  })
  const problems: Problem[] = []
  if (tool === 'durable') problems.push(...checkDurable(index, call))
  else if (effects.length > 1) {
    // The store remembers what was done once: what a failover loses is done again.
    const forgotten = tool === 'once' && index.lost(sent, effects.at(-1)?.at ?? sent)
    const where = effects.map(({ run, at }) => `${run} at ${at}`).join(', ')
    if (!forgotten)
      problems.push(problem('effects happen once', `had its effect ${effects.length} times: ${where}`, effects[1]?.at))
  }
  if (outcome?.kind === 'result' && EFFECTIVE.has(tool) && effects.length === 0) {
    problems.push(problem('results are true', 'has a result and had no effect', outcome.at))
  }
  if (outcome?.kind === 'result' && outcome.run !== undefined) {
    const run = runs.find(({ run }) => run === outcome.run)
    if (!run?.entries.some(({ e }) => e === 'end')) {
      problems.push(problem('results are true', `has the result of run ${outcome.run}, which did not end`, outcome.at))
    }
  }
  if (outcome?.kind === 'refused' && outcome.status === 503 && effects.length > 0 && !REPEATABLE.has(tool)) {
    problems.push(problem('what is refused is not done', 'was refused with 503, and had its effect', outcome.at))
  }
  return problems
}

/** An effect of a durable call that was done twice. */
interface Twice {
  n: number
  at: number
  text: string
  /** The storm hit the effect itself: its run was lost before `ctx.once` had returned. */
  hit: boolean
}

/** The effects within `ctx.once` that happened twice where that may be: the storm hit the effect itself. */
export function countHits(index: Index): number {
  return index.history.calls.reduce((sum, call) => sum + twice(index, call).filter(({ hit }) => hit).length, 0)
}

function twice(index: Index, call: Call): Twice[] {
  if (call.tool !== 'durable') return []
  const done = index
    .runsOf(call)
    .flatMap((run) => run.entries.filter(({ e }) => e === 'effect').map((entry) => ({ by: run, ...entry })))
    .sort((a, b) => a.at - b.at)
  return done.flatMap((second, i) => {
    const first = done.slice(0, i).findLast(({ n }) => n === second.n)
    if (!first) return []
    const kept = first.by.entries.some(({ e, n, at }) => e === 'kept' && n === first.n && at <= second.at)
    const lost = index.mayBeTakenForDead(first.process, first.at, second.at)
    const hit = first.n !== SINGLE && first.by !== second.by && !kept && lost
    // The store remembers what was done: what a failover loses is done again.
    if (index.lost(first.at - 1_000, second.at)) return []
    const text = `in ${first.by.run} at ${first.at} (${kept ? '' : 'not '}kept) and in ${second.by.run} at ${second.at}`
    return [{ n: first.n ?? 0, at: second.at, text, hit }]
  })
}

function checkDurable(index: Index, call: Call): Problem[] {
  const name = (n: number) => (n === SINGLE ? 'its single effect' : `effect ${n}`)
  const problems = twice(index, call).flatMap(({ n, at, text, hit }) => {
    if (hit) return []
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
