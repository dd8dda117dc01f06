/** What tools did: never twice where it may not be repeated, always where it was reported, never where it was refused. */
import type { Call } from '../history.ts'
import { checkDurable } from './durable.ts'
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
