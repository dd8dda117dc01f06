/** Tasks: none is lost, hangs, changes after its end, or is seen by another. What their runs do is in task-runs.ts. */
import type { Session } from '../history.ts'
import { BROKEN_CODE, isOver, type Seen, type Task } from '../task-history.ts'
import type { Index } from './index.ts'
import type { Problem } from './problem.ts'

/** A change that the store lost may have been made so long before a reply arrived, in ms. */
const BEFORE = 1_000

export function checkTasks(index: Index): Problem[] {
  const sessions = new Map(index.history.sessions.map((session) => [session.session, session]))
  return index.history.tasks.flatMap((task) => {
    const session = sessions.get(task.session)
    return [
      ...checkLife(index, task, session),
      ...checkStates(index, task),
      ...checkOutcome(index, task),
      ...checkCancel(index, task),
      ...checkAnswers(index, task),
      ...checkProbes(task),
    ]
  })
}

export const problemOf = ({ call, tool, era }: Task, property: string, text: string, at: number): Problem => ({
  property,
  call,
  at,
  text: `${call} (${tool}, ${era}): ${text}`,
})

/** A client that has the outcome answers no ask that a failover brings back. */
export function isSetBack(index: Index, { sent, end, seen, outcomes }: Task): boolean {
  if (end?.kind !== 'hung' || outcomes.length === 0 || seen.at(-1)?.status !== 'input_required') return false
  return index.lost(sent, end.at)
}

/** A task can be found for all of its time, and comes to its end. */
function checkLife(index: Index, task: Task, session: Session | undefined): Problem[] {
  const { made, end, seen, unlisted, stuck } = task
  if (!made) return []
  const problems: Problem[] = []
  if (end?.kind === 'hung' && !isSetBack(index, task)) {
    const last = seen.at(-1)
    problems.push(
      problemOf(
        task,
        'no task hangs',
        `it is ${last?.status} for ever, since ${last?.sent} (made at ${made.at})`,
        end.at,
      ),
    )
  }
  if (stuck) {
    const text = `it ended at ${end?.at}, and a stream of tasks/result has no response`
    problems.push(problemOf(task, 'no task hangs', text, stuck.at))
  }
  const endOfSession = session?.deletion?.sent ?? session?.lost?.sent ?? Number.POSITIVE_INFINITY
  const kept = (sent: number, at: number) =>
    sent < made.at + made.ttl && at < endOfSession && !index.lost(task.sent, at)
  const lost = seen.find(({ status, sent, at }) => status === 'unknown' && kept(sent, at))
  if (lost) problems.push(problemOf(task, 'no task is lost', `${lost.text} at ${lost.at}; made at ${made.at}`, lost.at))
  const missing = unlisted.find(({ sent, at }) => kept(sent, at))
  if (missing) problems.push(problemOf(task, 'no task is lost', 'the list of its session has it not', missing.at))
  return problems
}

/** After its end a task stays as it is. */
function checkStates(index: Index, task: Task): Problem[] {
  const end = task.seen.find(({ status }) => isOver(status))
  if (!end) return []
  const changed = task.seen.find(
    (seen) => seen.last > end.at && seen.status !== 'unknown' && (seen.status !== end.status || !isSame(seen, end)),
  )
  if (!changed || index.lost(task.sent, changed.at)) return []
  const text = `it was ${end.text} at ${end.at}, and ${changed.text || changed.status} at ${changed.at}`
  return [problemOf(task, 'an ended task stays as it is', text, changed.at)]
}

const isSame = (a: Seen, b: Seen): boolean => a.text === b.text

/** One outcome, which is that of a run, with the status that it has in its era. */
function checkOutcome(index: Index, task: Task): Problem[] {
  const { outcomes, era, cancel, ends } = task
  const [first, second] = outcomes
  if (!first) return []
  const problem = (property: string, text: string, at = first.at) => problemOf(task, property, text, at)
  if (second) {
    if (index.lost(task.sent, second.at)) return []
    return [problem('an ended task stays as it is', `its outcome was "${first.text}", and "${second.text}"`, second.at)]
  }
  const status = task.seen.findLast((seen) => isOver(seen.status))?.status
  if (first.kind === 'error') {
    const isWished = first.code === BROKEN_CODE && ends === 'broken'
    if (status !== undefined && status !== 'failed' && status !== 'cancelled' && !index.lost(task.sent, first.at))
      return [problem('results are true', `it is ${status}, and has the error "${first.text}"`)]
    if (isWished || /was cancelled/.test(first.text))
      return cancel || isWished ? [] : [problem('errors have a cause', `"${first.text}", and nobody cancelled it`)]
    return []
  }
  const isWrong = first.kind === 'wrong'
  const expected = isWrong && era === 'session' ? 'failed' : 'completed'
  if (first.run === undefined || isWrong !== (ends === 'wrong') || ends === 'broken')
    return [problem('results are true', `it has the result "${first.text}", and should end ${ends}`)]
  if (status !== undefined && status !== expected && !index.lost(task.sent, first.at))
    return [problem('results are true', `it is ${status}, and has a ${first.kind}`)]
  return []
}

/** A cancel ends a task at once, and only its own client cancels it. */
function checkCancel(index: Index, task: Task): Problem[] {
  const { cancel, seen } = task
  const found = seen.find(({ status }) => status === 'cancelled')
  if (found && !cancel) return [problemOf(task, 'only its client cancels a task', 'nobody has cancelled it', found.at)]
  const { acknowledged } = cancel ?? {}
  if (acknowledged === undefined) return []
  const open = seen.find(
    ({ status, last }) => last > acknowledged && (status === 'working' || status === 'input_required'),
  )
  if (!open || index.lost(task.sent, open.last)) return []
  const text = `it is ${open.status} in a look sent at ${open.last}; its cancel was acknowledged at ${acknowledged}`
  return [problemOf(task, 'a cancelled task ends at once', text, open.at)]
}

/** The first answer to an ask counts, and an acknowledged one is not asked for again. */
function checkAnswers(index: Index, task: Task): Problem[] {
  const problems: Problem[] = []
  for (const { entries } of index.runsNamed(task.call)) {
    for (const { e, n, value = '', at } of entries) {
      if (e !== 'answered' || value === `ask-${n}:${task.call}`) continue
      if (index.lost(task.sent, at)) continue
      problems.push(problemOf(task, 'answers reach their ask', `ask ${n} got the answer ${value}`, at))
    }
  }
  // In a session the answer is acknowledged as that of a request, which the task gets a little later.
  if (task.era === 'session') return problems
  for (const { key, acknowledged = Number.POSITIVE_INFINITY } of task.answers) {
    const again = task.seen.find(
      ({ status, text, last }) => status === 'input_required' && last > acknowledged && text.split(' ').includes(key),
    )
    if (!again || index.lost(task.sent - BEFORE, again.last)) continue
    const text = `${key} was answered at ${acknowledged}, and is open in a look sent at ${again.last}`
    problems.push(problemOf(task, 'an acknowledged answer is not lost', text, again.at))
  }
  return problems
}

/** Whoever asks for the task of another gets the answer for one that never was. */
function checkProbes(task: Task): Problem[] {
  return task.probes.flatMap(({ how, at, status, code, text }) => {
    // A session of another caller is none, nor is one that has ended.
    if (code === -32_602 || status === 404 || status === 503) return []
    // The store failed, or the instance shut down, after the response had begun.
    if (code !== undefined && /\bstore\b|is shutting down/.test(text)) return []
    return [problemOf(task, 'nobody sees the task of another', `${how} was answered with ${status} ${text}`, at)]
  })
}
