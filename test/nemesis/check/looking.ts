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
  /** The calls replace those from this one on: a call changes until it has ended. */
  from: number
}

/** A call has ended, and what belongs to it has arrived, after this many times its patience. */
const SETTLED = 2

export class Looking {
  readonly #worker = new Worker(new URL('./looking-worker.ts', import.meta.url))
  readonly #settledAfter: number
  #from = 0
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
    const { calls, ledger } = history
    while (this.#from < calls.length && (calls[this.#from]?.sent ?? now) < now - this.#settledAfter) this.#from++
    const grown: Grown = {
      ...history,
      errors: [],
      from: this.#from,
      calls: calls.slice(this.#from),
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
