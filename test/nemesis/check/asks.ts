/** Answers reach the ask that they answer, once, and an acknowledged answer is never lost. */
import type { Call } from '../history.ts'
import type { Index, Run } from './index.ts'
import type { Problem } from './problem.ts'

export function checkAsks(index: Index): Problem[] {
  return index.history.calls.flatMap((call) => (call.revision === '2026-07-28' ? [] : checkCall(index, call)))
}

function checkCall(index: Index, call: Call): Problem[] {
  const problem = (property: string, text: string, at: number) => ({
    property,
    call: call.call,
    at,
    text: `${call.call} (${call.tool}): ${text}`,
  })
  const problems: Problem[] = []
  const asks = new Map(
    call.received.flatMap((message) => (message.kind === 'ask' ? [[message.ask, message] as const] : [])),
  )
  if (asks.size < call.received.filter(({ kind }) => kind === 'ask').length) {
    problems.push(problem('asks come once', 'an ask came twice', call.sent))
  }
  // Each run of a durable call asks the same, and is given the answer that a run before had.
  const durable = call.tool === 'durable'
  const asked = new Set([...asks.values()].map(({ n }) => n))
  if (durable && asked.size < asks.size && !index.lost(call.sent, Number.POSITIVE_INFINITY)) {
    problems.push(problem('asks come once', 'a replay asked anew what was asked before', call.sent))
  }
  const answered = new Map<string, number>()
  for (const run of index.runsOf(call)) {
    for (const { e, n, value = '', at } of run.entries) {
      if (e !== 'answered') continue
      const [id = ''] = value.split(':')
      answered.set(id, durable ? 1 : (answered.get(id) ?? 0) + 1)
      const ask = asks.get(id)
      if (!ask || (ask.run !== run.run && !durable) || ask.n !== n) {
        problems.push(problem('answers reach their ask', `ask ${n} of run ${run.run} got the answer ${value}`, at))
      }
    }
  }
  for (const [id, times] of answered) {
    if (times > 1)
      problems.push(problem('answers reach their ask', `the answer of ${id} came ${times} times`, call.sent))
  }
  for (const { ask, acknowledged } of call.answers) {
    const of = asks.get(ask)
    if (acknowledged === undefined || answered.has(ask) || !of) continue
    // A failover may have lost the answer to another ask, for which the run then waits again.
    const gives = ({ entries }: Run) =>
      entries.some(({ e, text }, i) => {
        const asked = entries.slice(0, i).findLast((entry) => entry.e === 'asked')
        return e === 'failed' && text === 'timeout' && asked?.n === of.n
      })
    const run = index.runsOf(call).find((run) => (durable ? gives(run) : run.run === of.run))
    const failed = run?.entries.find(({ e }) => e === 'failed' || e === 'abort')
    // The run got no further for another reason, or its time was not yet over when the history ended.
    const gaveUp = failed?.text === 'timeout' ? failed.at : undefined
    if (gaveUp === undefined || index.lost(of.at - 1_000, acknowledged)) continue
    const late =
      gaveUp <= acknowledged ||
      index.isAnsweredLate(call, of.n, gaveUp) ||
      index.mayBeTakenForDead(run?.process ?? '', of.at, gaveUp)
    if (late || call.cancel) continue
    problems.push(
      problem(
        'an acknowledged answer is not lost',
        `the answer of ask ${ask} was acknowledged at ${acknowledged}, and the run gave up at ${gaveUp}`,
        gaveUp,
      ),
    )
  }
  return problems
}
