/** Runs of tasks: one at a time, no effect twice unless a fault hit it, and errors that have a cause. */
import { ONCE_EFFECTS, SINGLE } from '../history.ts'
import { BROKEN_CODE, type Task } from '../task-history.ts'
import type { Index, Run } from './index.ts'
import type { Problem } from './problem.ts'
import { problemOf } from './tasks.ts'

export function checkTaskRuns(index: Index): Problem[] {
  const sessions = new Map(index.history.sessions.map((session) => [session.session, session]))
  return index.history.tasks.flatMap((task) => {
    const runs = index.runsNamed(task.call)
    const deletion = sessions.get(task.session)?.deletion
    const ended = deletion?.acknowledged
    return [
      ...checkTakeovers(index, task, runs),
      ...checkBegins(index, task, runs, ended),
      ...checkEffects(index, task, runs),
      ...checkResult(index, task, runs),
      ...checkCause(index, task, runs, deletion?.sent),
    ]
  })
}

/** A fault may have kept a run from its lease, or from the store, in this time. */
function mayLoseLeg(index: Index, { process, begun }: Run, to: number): boolean {
  return index.mayBeTakenForDead(process, begun, to) || index.storeTroubled(process, begun, to)
}

/** How often a leg was run anew since its run was lost. */
export function countTakeovers(index: Index, task: Task): number {
  return index
    .runsNamed(task.call)
    .slice(1)
    .filter((_, i) => !isOver(index.runsNamed(task.call)[i])).length
}

const isOver = (run: Run | undefined): boolean =>
  run?.entries.some(({ e }) => e === 'suspended' || e === 'end' || e === 'abort') === true

function checkTakeovers(index: Index, task: Task, runs: readonly Run[]): Problem[] {
  return runs.slice(1).flatMap((run, i) => {
    const before = runs[i]
    if (!before || mayLoseLeg(index, before, run.begun) || isTooLate(index, run)) return []
    const isLegOver = before.entries.some(({ e, at }) => e === 'suspended' && at <= run.begun)
    if (isLegOver && task.tool !== 'task_fragile') return []
    const text = `run ${run.run} began at ${run.begun}, though the process of run ${before.run} lived`
    return [problemOf(task, 'only lost runs are taken over', text, run.begun)]
  })
}

/** Its process stood still between its claim and its begin. Another one has taken the leg meanwhile, and this one does nothing. */
function isTooLate(index: Index, { entries, process, begun }: Run): boolean {
  const did = entries.some(({ e }) => e === 'effect' || e === 'end')
  return !did && index.mayBeTakenForDead(process, begun, begun)
}

/** No run begins after a cancel or the end of the session, nor one of a call that was refused, nor a second one of a fragile task. */
function checkBegins(index: Index, task: Task, runs: readonly Run[], ended: number | undefined): Problem[] {
  const late = (after: number | undefined, why: string) =>
    runs.flatMap((run) => {
      if (after === undefined || run.begun <= after + LATE || index.lost(task.sent, run.begun)) return []
      // It was claimed before, and its process stood still meanwhile.
      if (mayLoseLeg(index, { ...run, begun: after }, run.begun)) return []
      return [
        problemOf(
          task,
          'what is over is not run',
          `run ${run.run} began at ${run.begun}, ${why} at ${after}`,
          run.begun,
        ),
      ]
    })
  const problems = [
    ...late(task.cancel?.acknowledged, 'after its cancel was acknowledged'),
    ...late(ended, 'after its session was ended'),
  ]
  const [, second] = runs
  // A call that becomes a task later has asked before.
  const first = runs.find(({ entries }) => task.tool !== 'task_later' || entries.some(({ e }) => e === 'effect'))
  if (task.refused?.status === 503 && first)
    problems.push(
      problemOf(task, 'what is refused is not done', `it was refused at ${task.refused.at}, and ran`, first.begun),
    )
  if (task.tool === 'task_fragile' && second && !index.lost(task.sent, second.begun))
    problems.push(problemOf(task, 'effects happen once', `a tool that must not run again began again`, second.begun))
  return problems
}

/** From the claim in the store to the first line of the run, in ms. */
const LATE = 500

interface Twice {
  n: number
  at: number
  text: string
  /** The storm hit the effect itself: its run was lost before `ctx.once` had returned. */
  hit: boolean
}

function twice(index: Index, task: Task, runs: readonly Run[]): Twice[] {
  const done = runs
    .flatMap((run) => run.entries.filter(({ e }) => e === 'effect').map((entry) => ({ by: run, ...entry })))
    .sort((a, b) => a.at - b.at)
  return done.flatMap((second, i) => {
    const first = done.slice(0, i).findLast(({ n }) => n === second.n)
    if (!first || index.lost(task.sent, second.at)) return []
    const kept = first.by.entries.some(({ e, n, at }) => e === 'kept' && n === first.n && at <= second.at)
    const hit = first.n !== SINGLE && first.by !== second.by && !kept && mayLoseLeg(index, first.by, second.at)
    const text = `in ${first.by.run} at ${first.at} (${kept ? '' : 'not '}kept) and in ${second.by.run} at ${second.at}`
    return [{ n: first.n ?? 0, at: second.at, text, hit }]
  })
}

/** The effects that happened twice where that may be. */
export function countTaskHits(index: Index): number {
  const hits = (task: Task) => twice(index, task, index.runsNamed(task.call)).filter(({ hit }) => hit).length
  return index.history.tasks.reduce((sum, task) => sum + hits(task), 0)
}

function checkEffects(index: Index, task: Task, runs: readonly Run[]): Problem[] {
  return twice(index, task, runs).flatMap(({ n, at, text, hit }) =>
    hit ? [] : [problemOf(task, 'effects happen once', `it had effect ${n} ${text}`, at)],
  )
}

/** A result names a run that ended, and everything that the tool does has been done. */
function checkResult(index: Index, task: Task, runs: readonly Run[]): Problem[] {
  const [outcome] = task.outcomes
  if (!outcome || outcome.kind === 'error' || index.lost(task.sent, outcome.at)) return []
  const run = runs.find(({ run }) => run === outcome.run)
  if (!run?.entries.some(({ e }) => e === 'end'))
    return [
      problemOf(task, 'results are true', `it has the result of run ${outcome.run}, which did not end`, outcome.at),
    ]
  const wanted = task.tool === 'task_fragile' ? [1] : Array.from({ length: ONCE_EFFECTS + 1 }, (_, n) => n)
  const done = new Set(runs.flatMap(({ entries }) => entries.flatMap(({ e, n }) => (e === 'effect' ? [n] : []))))
  const missing = wanted.filter((n) => !done.has(n))
  if (missing.length === 0) return []
  return [
    problemOf(task, 'results are true', `it has a result, and had not the effects ${missing.join(', ')}`, outcome.at),
  ]
}

/** The errors that a task may end with where its handler did not wish it, and what must have happened. */
const CAUSES: [text: RegExp, drained: boolean][] = [
  [/^The instance that ran this task was lost, or its time was over/, true],
  [/was shut down/, true],
  [/^"single" was begun by a run that ended/, false],
]

function isRefusedWithCause(index: Index, { sent }: Task, { at, text }: NonNullable<Task['refused']>): boolean {
  // The state of a round names a time, which instances with other clocks refuse.
  if (/requestState is not valid/.test(text)) return index.clocksDiffer(sent, at, 60_000)
  return index.storeTroubled(undefined, sent, at) || index.lost(sent, at)
}

function checkCause(index: Index, task: Task, runs: readonly Run[], deleted: number | undefined): Problem[] {
  const { outcomes, refused } = task
  const [outcome] = outcomes
  const isEnded = refused && deleted !== undefined && deleted <= refused.at
  if (refused && refused.status !== 503 && !isEnded && !isRefusedWithCause(index, task, refused)) {
    const text = `the call was answered with ${refused.status} "${refused.text}", and the store answered`
    return [problemOf(task, 'errors have a cause', text, refused.at)]
  }
  if (outcome?.kind !== 'error' || outcome.code === BROKEN_CODE || /was cancelled/.test(outcome.text)) return []
  const cause = CAUSES.find(([text]) => text.test(outcome.text))
  const isExplained = cause && (runs.length === 0 || runs.some((run) => mayLoseLeg(index, run, outcome.at)))
  if (isExplained || index.lost(task.sent, outcome.at)) return []
  return [
    problemOf(
      task,
      'errors have a cause',
      `"${outcome.text}", and ${cause ? 'its instance lived' : 'no fault explains that'}`,
      outcome.at,
    ),
  ]
}
