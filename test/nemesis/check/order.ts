/** Messages of a call come once and in order, none is missing before a result, and progress only grows. */
import type { Call, Received } from '../history.ts'
import type { Index } from './index.ts'
import type { Problem } from './problem.ts'

export function checkOrder(index: Index): Problem[] {
  const warned = new Set(index.history.sessions.filter(({ missed }) => missed > 0).map(({ session }) => session))
  const lost = index.lost(0, Number.POSITIVE_INFINITY)
  return index.history.calls.flatMap((call) => {
    // A call for whose messages the store has no room is answered without any.
    if (call.received.length === 0 && index.full(call, call.outcomes[0]?.at ?? call.sent)) return []
    if (index.mayMissMessages(call)) return []
    // The client was told of a gap, on the stream of the call or on that of several calls.
    const shared = call.batch === true || call.revision === '2024-11-05'
    const told = call.received.some(({ kind }) => kind === 'missed') || (shared && warned.has(call.session))
    const log = call.tool === 'durable' ? checkDurableLog(call, told || lost) : checkLog(call, told)
    return [...checkProgress(call, told), ...log]
  })
}

function checkProgress({ call, tool, received, outcomes, steps, revision }: Call, told: boolean): Problem[] {
  const progress = received.filter((message) => message.kind === 'progress')
  const problem = (text: string, at?: number) => ({
    property: 'progress grows',
    call,
    text: `${call} (${tool}): ${text}`,
    ...(at !== undefined && { at }),
  })
  let before = 0
  for (const { n, at } of progress) {
    if (n <= before) return [problem(`progress ${n} came after ${before}`, at)]
    if (n > before + 1 && !told) return [problem(`progress ${n} came after ${before}: a message is missing`, at)]
    before = n
  }
  const done = outcomes[0]?.kind === 'result' && !told && revision !== '2026-07-28'
  if (done && before < steps && tool !== 'ask' && tool !== 'ask_again') {
    return [problem(`the result came after progress ${before} of ${steps}`, outcomes[0]?.at)]
  }
  return []
}

function checkLog({ call, tool, received, outcomes, steps }: Call, told: boolean): Problem[] {
  const logs = received.filter((message): message is Received & { kind: 'log' } => message.kind === 'log')
  const problem = (text: string, at?: number) => ({
    property: 'once and in order',
    call,
    text: `${call} (${tool}): ${text}`,
    ...(at !== undefined && { at }),
  })
  let run: string | undefined
  let before = 0
  const earlier = new Set<string>()
  for (const { n, run: named, at } of logs) {
    if (named !== run) {
      if (earlier.has(named)) return [problem(`a message of run ${named} came after one of run ${run}`, at)]
      earlier.add(named)
      run = named
      before = 0
    }
    if (n <= before) return [problem(`message ${n} of run ${named} came after message ${before}`, at)]
    if (n > before + 1 && !told)
      return [problem(`message ${n} of run ${named} came after message ${before}: one is missing`, at)]
    before = n
  }
  const [outcome] = outcomes
  if (outcome?.kind !== 'result' || told || tool === 'ask' || tool === 'ask_again' || steps === 0) return []
  if (run !== outcome.run)
    return [problem(`the result is of run ${outcome.run}, the last message of run ${run}`, outcome.at)]
  if (before < steps) return [problem(`the result came after message ${before} of ${steps}`, outcome.at)]
  return []
}

/** The messages of a durable call are those of one run, however many runs said them. */
function checkDurableLog({ call, received, outcomes, steps }: Call, told: boolean): Problem[] {
  const problem = (text: string, at?: number) => [
    { property: 'once and in order', call, text: `${call} (durable): ${text}`, ...(at !== undefined && { at }) },
  ]
  let before = 0
  for (const message of received) {
    if (message.kind !== 'log') continue
    const { n, run, at } = message
    if (n <= before) return problem(`message ${n} of run ${run} came after message ${before}`, at)
    if (n > before + 1 && !told) return problem(`message ${n} of run ${run} came after ${before}: one is missing`, at)
    before = n
  }
  const [outcome] = outcomes
  if (outcome?.kind !== 'result' || told || before >= steps) return []
  return problem(`the result came after message ${before} of ${steps}`, outcome.at)
}
