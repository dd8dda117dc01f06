/** The record of a task in memory. */
import type { Owner } from '../names.ts'
import type { Asking, NewTask, TaskStatus, TaskTerms, TaskView } from '../tasks.ts'

/** An ask. */
interface Kept {
  ask: string
  request: string
  value: string | undefined
}

export interface Task extends Pick<NewTask, 'request' | 'ttl' | 'poll' | 'retries'> {
  status: TaskStatus
  created: number
  updated: number
  /** When it expires, by the clock's `now`. */
  expires: number
  /** '' where nobody runs the leg. */
  owner: Owner
  /** Until when the leg is its owner's, or waits, by the clock's `now`. */
  lease: number
  leg: number
  /** Runs of the leg that were lost without progress. */
  lost: number
  /** All runs of the leg. */
  runs: number
  /** The run has kept something. */
  progress: boolean
  queued: number
  message: string | undefined
  /** The newest progress that the handler has reported, as text: see `TaskKeep.progress`. */
  shown: string | undefined
  outcome: string | undefined
  asks: Map<string, Kept>
  results: Map<string, string>
  begun: Map<string, Owner>
  bytes: number
  watchers: Map<string, number>
  /** The run that ended the last leg. */
  by: Owner
  /** The stream on which the asks are sent, and until when by the clock's `now`. */
  asking: Asking & { turn: number }
}

/** A task that begins. `now` is of the clock of the store, `created` in ms since 1970. */
export function taskOf(made: NewTask, { lease, patience }: TaskTerms, now: number, created: number): Task {
  const { owner, answers = [], results = [], request, ttl, poll, retries } = made
  return {
    ...{ request, ttl, poll, retries, status: 'working', leg: 1, lost: 0, progress: false },
    runs: owner === undefined ? 0 : 1,
    ...{ message: undefined, shown: undefined, created, updated: created },
    expires: now + ttl,
    owner: owner ?? '',
    lease: owner === undefined ? 0 : now + lease,
    queued: owner === undefined ? now + patience : 0,
    outcome: undefined,
    asks: new Map(answers.map(({ key, ask, value }) => [key, { ask, request: '', value }])),
    results: new Map(results.map(({ name, value }) => [name, value])),
    begun: new Map(),
    bytes: 0,
    watchers: new Map(),
    by: '',
    asking: { stream: '', lifetime: 0, turn: 0 },
  }
}

export function pauseOf(backOff: readonly number[], lost: number): number {
  return backOff[Math.min(lost, backOff.length - 1)] ?? 0
}

export function openOf({ asks }: Task): [string, Kept][] {
  return [...asks].filter(([, { value }]) => value === undefined)
}

export function viewOf(task: Task): TaskView {
  const { status, created, updated, ttl, poll, leg, message, shown: progress, outcome } = task
  const open = status === 'input_required' ? openOf(task) : []
  const asks = open.map(([key, { ask, request }]) => ({ key, ask, request }))
  return { status, created, updated, ttl, poll, leg, message, progress, asks, outcome }
}
