/** Who runs a call: one run at a time, another only where the one before may be dead, and none after its session. */
import type { Call, Session } from '../history.ts'
import { isSuspended, isTooLate } from './durable.ts'
import type { Index, Run } from './index.ts'
import type { Problem } from './problem.ts'

export function checkRuns(index: Index): Problem[] {
  const sessions = new Map(index.history.sessions.map((session) => [session.session, session]))
  return index.history.calls.flatMap((call) => {
    // A stateless call runs again for each of its rounds.
    if (call.revision === '2026-07-28') return []
    return [...checkTakeovers(index, call), ...checkFence(index, call), ...checkEnded(index, call, sessions)]
  })
}

/** Those that may have had the call, in order. */
function owningRuns(index: Index, call: Call): Run[] {
  const runs = index.runsOf(call)
  return call.tool === 'durable' ? runs.filter((run) => !isTooLate(index, run)) : runs
}

function checkTakeovers(index: Index, call: Call): Problem[] {
  const runs = owningRuns(index, call)
  return runs.slice(1).flatMap((run, i) => {
    const before = runs[i]
    if (!before || index.mayBeTakenForDead(before.process, before.begun, run.begun)) return []
    if (isSuspended(index, before, run)) return []
    const text = `${call.call} (${call.tool}): run ${run.run} began at ${run.begun}, though the process of run ${before.run} lived`
    return [{ property: 'only dead runs are taken over', call: call.call, at: run.begun, text }]
  })
}

/** Once another run has begun, nothing that the one before sends afterwards reaches the client. */
function checkFence(index: Index, call: Call): Problem[] {
  const runs = owningRuns(index, call)
  if (runs.length < 2 || index.lost(call.sent, Number.POSITIVE_INFINITY)) return []
  const problem = (text: string, at: number) => ({
    property: 'a run that was replaced is shut out',
    call: call.call,
    at,
    text: `${call.call} (${call.tool}): ${text}`,
  })
  for (const [i, run] of runs.entries()) {
    const next = runs[i + 1]
    if (!next) break
    for (const message of call.received) {
      if (message.kind !== 'log' || message.run !== run.run || message.sent <= next.begun) continue
      return [
        problem(
          `message ${message.n} of run ${run.run} was sent at ${message.sent}, after run ${next.run} began at ${next.begun}`,
          message.at,
        ),
      ]
    }
    const [outcome] = call.outcomes
    if (outcome?.kind === 'result' && outcome.run === run.run && (run.ended ?? 0) > next.begun) {
      return [
        problem(
          `the result is of run ${run.run}, which ended at ${run.ended}, after run ${next.run} began at ${next.begun}`,
          outcome.at,
        ),
      ]
    }
  }
  return []
}

/** After DELETE was acknowledged no run of the session begins. */
function checkEnded(index: Index, call: Call, sessions: Map<string, Session>): Problem[] {
  const acknowledged = sessions.get(call.session)?.deletion?.acknowledged
  if (acknowledged === undefined || index.lost(acknowledged - 5_000, acknowledged)) return []
  return index.runsOf(call).flatMap((run) => {
    // The request was let in before, and its process stood still meanwhile.
    if (run.begun <= acknowledged || call.sent < acknowledged) return []
    const text = `${call.call} (${call.tool}): run ${run.run} began at ${run.begun}, after the session was ended at ${acknowledged}`
    return [{ property: 'an ended session serves nothing', call: call.call, at: run.begun, text }]
  })
}
