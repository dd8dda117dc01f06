/** A call whose cancel was acknowledged has no response, unless its handler had returned before. */
import type { Call } from '../history.ts'
import type { Index } from './index.ts'
import type { Problem } from './problem.ts'

/** By how much a cancel may overtake its request, in ms: a later call with the id could be another one. */
const OVERTAKEN = 1_000

export function checkCancels(index: Index): Problem[] {
  return index.history.calls.flatMap((call) => checkCall(index, call))
}

function checkCall(index: Index, call: Call): Problem[] {
  const { cancel, outcomes, revision } = call
  const acknowledged = cancel?.acknowledged
  if (acknowledged === undefined || revision === '2026-07-28') return []
  const runs = index.runsOf(call)
  return outcomes.flatMap((outcome) => {
    if (outcome.kind !== 'result' && outcome.kind !== 'error') return []
    const run = runs.find(({ run }) => run === outcome.run) ?? runs.at(-1)
    // The response and the cancel crossed: 2025-11-25, "Cancellation", "Timing Considerations".
    if (run?.ended !== undefined && run.ended <= acknowledged) return []
    if (cancel && run && run.begun > cancel.sent + OVERTAKEN) return []
    if (outcome.at <= acknowledged || excused(index, call, acknowledged, outcome.at)) return []
    const text = `${call.call} (${call.tool}) has a response (${outcome.kind} ${outcome.text ?? ''}) at ${outcome.at}; its cancel was acknowledged at ${acknowledged}, and run ${run?.run} ended at ${run?.ended}`
    return [{ property: 'a cancelled call has no response', call: call.call, at: outcome.at, text }]
  })
}

/**
 * The store does not know of a call that has sent nothing while its instance cannot reach the store, and a failover may
 * lose a call or its cancel.
 */
function excused(index: Index, call: Call, acknowledged: number, at: number): boolean {
  if (index.lost(call.sent, acknowledged)) return true
  const runs = index.runsOf(call)
  return !call.cancel?.resumable && runs.some(({ process, begun }) => index.storeTroubled(process, begun, at))
}
