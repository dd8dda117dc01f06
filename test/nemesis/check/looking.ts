/**
 * Checks a history while it grows, in a thread of its own. The connections between instances and store pass through the
 * main thread, and a check of a long history takes seconds: on the main thread each check would be a fault of the store that
 * nobody planned, and instances that lose the store every few seconds may not declare another one dead.
 */
import { Worker } from 'node:worker_threads'
import type { History, Limits } from '../history.ts'
import type { Problem } from './check.ts'

/** What a look adds to the history that the thread has. */
export type Grown = Omit<History, 'rest'> & {
  /** The calls and tasks replace those from these on: each changes until it has ended. */
  from: { calls: number; tasks: number }
}

/** A call has ended, and what belongs to it has arrived, after this many times its patience. */
const SETTLED = 2

export class Looking {
  readonly #worker = new Worker(new URL('./looking-worker.ts', import.meta.url))
  readonly #settledAfter: number
  #from = { calls: 0, tasks: 0 }
  #entries = 0
  #busy = false
  #ended = false

  constructor({ callPatience }: Limits) {
    this.#settledAfter = SETTLED * callPatience
    this.#worker.unref()
  }

  /** The problems so far; none where the look before has not ended. */
  async look({ rest: _, ...history }: History, now: number): Promise<Problem[]> {
    if (this.#busy || this.#ended) return []
    this.#busy = true
    const { calls, tasks, ledger } = history
    const before = now - this.#settledAfter
    this.#from = { calls: settled(calls, this.#from.calls, before), tasks: settled(tasks, this.#from.tasks, before) }
    const grown: Grown = {
      ...history,
      errors: [],
      from: this.#from,
      calls: calls.slice(this.#from.calls),
      tasks: tasks.slice(this.#from.tasks),
      ledger: ledger.slice(this.#entries),
    }
    this.#entries = ledger.length
    const { promise, resolve, reject } = Promise.withResolvers<Problem[]>()
    const ended = () => resolve([])
    this.#worker.once('message', resolve).once('error', reject).once('exit', ended)
    this.#worker.postMessage(grown)
    try {
      return await promise
    } finally {
      this.#worker.off('error', reject).off('exit', ended)
      this.#busy = false
    }
  }

  async end(): Promise<void> {
    this.#ended = true
    await this.#worker.terminate()
  }
}

/** The first, from `from` on, that was sent after `before`. */
function settled(items: readonly { sent: number }[], from: number, before: number): number {
  let first = from
  while ((items[first]?.sent ?? before) < before) first++
  return first
}
