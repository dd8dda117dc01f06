/** `ctx.once` in a task: what was done is in the record before the handler goes on, so that no later run does it again. */
import { toJson } from '../base/to-json.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import { AskPending } from '../server/context/errors.ts'
import { StoreUnavailable } from '../store/store.ts'
import type { KeepReply, TaskKeep } from '../store/tasks.ts'
import { begunBefore, FULL } from './leg-request.ts'
import type { LegStore } from './leg-store.ts'
import { entryOf } from './names.ts'

/** The run, as its steps see it. */
interface Running {
  store: LegStore
  /** Results of runs before, and of this one, by digest of the name. */
  results: Map<string, string>
  isClosed(): boolean
  /** False: this run has the leg no longer. */
  renew(): Promise<boolean>
  /** The leg is no longer this run's: what `status` says. */
  lost(name: string, status: string): AskPending
}

export class TaskOnce {
  /** Functions that are under way. */
  readonly busy = new Set<Promise<unknown>>()
  readonly #run: Running

  constructor(run: Running) {
    this.#run = run
  }

  async run<T>(name: string, fn: () => T | Promise<T>, single: boolean): Promise<T> {
    const entry = entryOf(name)
    const known = this.#run.results.get(entry)
    if (known !== undefined) return JSON.parse(known) as T
    const running = this.#step(entry, name, fn, single)
    this.busy.add(running)
    const done = () => this.busy.delete(running)
    running.then(done, done)
    return running
  }

  async #step<T>(entry: string, name: string, fn: () => T | Promise<T>, single: boolean): Promise<T> {
    const { store, results } = this.#run
    if (this.#run.isClosed()) throw new AskPending(name)
    if (single) {
      const begun = await this.#keep(name, { name: entry, step: 'begin' })
      if (begun.status === 'known') return JSON.parse(begun.value) as T
      if (begun.status === 'begun') throw new ProtocolError(ErrorCode.InternalError, begunBefore(name))
      if (begun.status !== 'ok') throw this.#run.lost(name, begun.status)
    } else if (!store.holds && !(await this.#run.renew())) throw this.#gone(name)
    if (this.#run.isClosed()) throw new AskPending(name)
    let value: T
    try {
      value = await fn()
    } catch (error) {
      if (single) await store.keep({ name: entry, step: 'fail' }).catch(() => {})
      throw error
    }
    const text = toJson(value ?? null, `The result of ctx.once("${name}")`)
    const kept = await this.#keep(name, { name: entry, step: 'end', value: text })
    if (kept.status === 'known') return JSON.parse(kept.value) as T
    if (kept.status === 'full') throw new RangeError(FULL)
    if (kept.status !== 'ok') throw this.#run.lost(name, kept.status)
    results.set(entry, text)
    return value
  }

  /** Where the store is away until the lease is over, the next run goes on: the handler is not to end with that. */
  async #keep(name: string, once: NonNullable<TaskKeep['once']>): Promise<KeepReply> {
    try {
      return await this.#run.store.keep(once)
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
      throw this.#gone(name)
    }
  }

  /** Another run may have the leg. This one must not end it with what its handler makes of that. */
  #gone(name: string): AskPending {
    return this.#run.isClosed() ? new AskPending(name) : this.#run.lost(name, 'lost')
  }
}
