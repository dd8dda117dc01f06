/** Each call has exactly one outcome, and each error has a cause. */
import type { Call, Outcome } from '../history.ts'
import type { Index, Run } from './index.ts'
import type { Problem } from './problem.ts'

export function checkOutcomes(index: Index): Problem[] {
  return index.history.calls.flatMap((call) => [...checkNumber(index, call), ...checkCauses(index, call)])
}

function checkNumber(index: Index, call: Call): Problem[] {
  const { call: name, outcomes } = call
  const [first, ...more] = outcomes.filter(({ kind }, i) => kind !== 'given up' || i > 0)
  const problem = (text: string) => ({ property: 'one outcome', call: name, text: `${name} (${call.tool}) ${text}` })
  const problems: Problem[] = []
  if (first?.kind === 'hung' && !index.mayMissMessages(call))
    problems.push({ ...problem('has no outcome in all the time it had'), at: first.at })
  if (first?.kind === 'ended' && !call.cancel) {
    problems.push({ ...problem('ended without a response, and was not cancelled'), at: first.at })
  }
  for (const { kind, text, at } of more)
    problems.push({ ...problem(`has a further outcome: ${kind} ${text ?? ''}`), at })
  return problems
}

type Cause = (index: Index, call: Call, outcome: Outcome, runs: Run[]) => boolean

const troubled: Cause = (index, { sent }, { at }, runs) =>
  runs.some(({ process }) => index.storeTroubled(process, sent, at)) ||
  (runs.length === 0 && index.storeTroubled(undefined, sent, at))
const dead: Cause = (index, { sent }, { at }, runs) =>
  runs.length === 0
    ? index.history.faults.length > 0
    : runs.some(({ process }) => index.mayBeTakenForDead(process, sent, at))
const drained: Cause = (index, { sent: _ }, { at }, runs) =>
  runs.length === 0 || runs.some(({ process }) => index.isDrained(process, at))
const deadOrDrained: Cause = (...given) => dead(...given) || drained(...given)
const deadOrTroubled: Cause = (...given) => dead(...given) || troubled(...given)
const rolledBack: Cause = (index, { sent }, { at }) => index.lost(sent, at)
const full: Cause = (index, call, { at }) => index.full(call, at)
const rolledBackOrFull: Cause = (...given) => rolledBack(...given) || full(...given)
const rolledBackOrLate: Cause = (index, call, outcome, runs) => {
  const asked = runs.at(-1)?.entries.findLast(({ e }) => e === 'asked')
  return rolledBack(index, call, outcome, runs) || index.isAnsweredLate(call, asked?.n, outcome.at)
}
const skewed: Cause = (index, { sent }, { at }) => index.clocksDiffer(sent, at, 60_000)

/** The errors that a call may end with, and what must have happened. Any other error is a fault. */
const CAUSES: [text: RegExp, cause: Cause, what: string][] = [
  [/was lost before it was done/, dead, 'its instance lived'],
  [/Another instance has taken the call over/, dead, 'its instance lived'],
  [/has ended before the call was done/, deadOrDrained, 'its instance lived and was not shut down'],
  [/was shut down before it was done|is shutting down/, drained, 'its instance was not shut down'],
  [
    /[Tt]he store (did not answer|is full|takes no writes|is loading its data|has moved its data)/,
    troubled,
    'the store answered',
  ],
  [/no longer available|was lost; its outcome is unknown/, rolledBackOrFull, 'no failover lost anything'],
  [/did not answer within/, rolledBackOrLate, 'its client answered in time, and no failover lost the ask'],
  [/has no stream/, full, 'the store had room'],
  [/was begun by a request that ended/, deadOrTroubled, 'its instance lived and the store answered'],
  [/has begun it and was lost before its end/, deadOrTroubled, 'its instance lived and the store answered'],
  [/requestState is not valid/, skewed, 'all clocks agreed'],
]

/** Errors of calls whose instance is gone: a durable call goes on elsewhere instead. */
const LOST =
  /was lost before it was done|has ended before the call was done|was shut down before it was done|was lost; its/

/** The call ended with an error since its instance was gone, though a later run could have gone on with it. */
export function hasLostCall(index: Index, call: Call): boolean {
  const [outcome] = call.outcomes
  if (call.tool !== 'durable' || call.revision === '2026-07-28' || outcome?.kind !== 'error') return false
  const { text = '' } = outcome
  // What a failover or a full store loses cannot go on.
  return LOST.test(text) && !isShutDown(call) && !rolledBackOrFull(index, call, outcome, [])
}

/**
 * A server may not close a stream without a response before 2025-11-25: a call whose client has not come back for it ends with its
 * instance.
 */
export function isShutDown({ revision, outcomes: [outcome] }: Call): boolean {
  return revision < '2025-11-25' && /was shut down before it was done/.test(outcome?.text ?? '')
}

function checkCauses(index: Index, call: Call): Problem[] {
  const runs = index.runsOf(call)
  if (hasLostCall(index, call)) {
    const text = `${call.call} is durable, and ended with "${call.outcomes[0]?.text}"`
    return [{ property: 'no durable call is lost', call: call.call, at: call.outcomes[0]?.at ?? 0, text }]
  }
  return call.outcomes.flatMap((outcome) => {
    if (outcome.kind !== 'error' && outcome.kind !== 'refused') return []
    const { text = '', status, at } = outcome
    const known = CAUSES.find(([pattern]) => pattern.test(text))
    const problem = (why: string) => ({
      property: 'errors have a cause',
      call: call.call,
      at,
      text: `${call.call} (${call.tool}) ended with ${status ?? ''} "${text.slice(0, 200)}", and ${why}`,
    })
    // A 503 asks the client to send the request again: that is what the caller of this endpoint relies on.
    if (outcome.kind === 'refused' && status === 503 && /this instance shuts down/.test(text)) {
      return index.someDrained(at) ? [] : [problem('no instance was shut down')]
    }
    if (outcome.kind === 'refused' && status === 503) {
      return troubled(index, call, outcome, []) ? [] : [problem('the store answered')]
    }
    if (!known) return [problem('no fault explains that')]
    const [, cause, what] = known
    return cause(index, call, outcome, runs) ? [] : [problem(what)]
  })
}
