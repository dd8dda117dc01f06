/** What a history has of tasks, in numbers. */
import type { History } from '../history.ts'
import { type Era, isOver, type Task } from '../task-history.ts'
import { Index } from './index.ts'
import { countTakeovers, countTaskHits } from './task-runs.ts'
import { isSetBack } from './tasks.ts'

const ERAS = ['session', 'stateless'] as const satisfies readonly Era[]

/** The rows of the table: what each counts of one task. */
const ROWS: [what: string, of: (task: Task, index: Index) => number][] = [
  ['calls that were to be tasks', () => 1],
  ['tasks', ({ made }) => Number(made !== undefined)],
  ['  completed', (task) => Number(ends(task) === 'completed')],
  ['  failed as their handlers wished', (task) => Number(ends(task) === 'failed' && wished(task))],
  ['  failed since runs were lost', (task) => Number(ends(task) === 'failed' && !wished(task))],
  ['  cancelled', (task) => Number(ends(task) === 'cancelled')],
  ['  ended with their session', ({ end }) => Number(end?.kind === 'session')],
  ['  lost with what a failover lost', ({ end }) => Number(end?.kind === 'gone')],
  ['  ended, and set back by a failover', (task, index) => Number(isSetBack(index, task))],
  ['  without an end', (task, index) => Number(hangs(task) && !isSetBack(index, task))],
  ['runs of legs', ({ call }, index) => index.runsNamed(call).length],
  ['runs that were taken over', (task, index) => countTakeovers(index, task)],
  ['answers', ({ answers }) => answers.filter(({ acknowledged }) => acknowledged !== undefined).length],
  ['looks after the end', ({ seen }) => seen.filter(({ status, sent, last }) => isOver(status) && last > sent).length],
  ['requests of others, all refused', ({ probes }) => probes.length],
]

const hangs = ({ made, end }: Task) => made !== undefined && (!end || end.kind === 'hung')

function ends({ seen, end }: Task): string | undefined {
  return end?.kind === 'ended' ? seen.findLast(({ status }) => isOver(status))?.status : undefined
}

const wished = ({ outcomes, ends: wish }: Task): boolean =>
  wish !== 'well' && outcomes.some(({ run, code }) => run !== undefined || code !== -32_603)

/** Tasks that were made, by era. */
export function countTasks({ tasks }: History): Record<Era, number> {
  const made = (era: Era) => tasks.filter((task) => task.era === era && task.made).length
  return { session: made('session'), stateless: made('stateless') }
}

/** A table for people. */
export function taskTable(history: History): string {
  const index = new Index(history)
  const cell = (value: string | number) => String(value).padStart(12)
  const lines = ROWS.map(([what, of]) => {
    const counts = ERAS.map((era) =>
      history.tasks.filter((task) => task.era === era).reduce((sum, task) => sum + of(task, index), 0),
    )
    return `${what.padEnd(34)}${[...counts, counts.reduce((a, b) => a + b, 0)].map(cell).join('')}`
  })
  const head = `${'Tasks'.padEnd(34)}${['2025-11-25', '2026-07-28', 'both'].map(cell).join('')}`
  return [
    head,
    ...lines,
    `A fault hit ${countTaskHits(index)} effects between their beginning and the store, and they were done again.`,
  ].join('\n')
}
