/** The record of a task, as the run that has its leg writes to it. */
import { type Clock, pause } from '../base/clock.ts'
import { StoreUnavailable } from '../store/store.ts'
import type { KeepReply, TaskEnd, TaskKeep, TaskKey, TaskStore } from '../store/tasks.ts'
import type { Executor } from './executor.ts'
import { nameOf } from './names.ts'
import { TERMS } from './terms.ts'

interface LegParts {
  store: TaskStore
  key: TaskKey
  owner: string
  clock: Clock
  /** When the request for the claim was sent, by the clock's `now`. */
  claimedAt: number
  executor: Executor | undefined
  /** Tells those who wait for the task. */
  tell(key: TaskKey, watchers: readonly string[]): void
  report(error: unknown): void
}

/** From one try to the next where the store is away, in ms. */
const PAUSE = 1_000
/** How long the end of a leg is tried. */
const LONGEST = 10 * 60_000

export class LegStore {
  readonly #parts: LegParts
  /** Until when the lease holds by this process's clock: it counts from when the request was sent. */
  #until: number
  #hurries = false

  constructor(parts: LegParts) {
    this.#parts = parts
    this.#until = parts.claimedAt + TERMS.lease
  }

  /** No other run can have the leg now. */
  get holds(): boolean {
    return this.#parts.clock.now() < this.#until
  }

  /** The process ends: each step is tried once more. */
  hurry(): void {
    this.#hurries = true
  }

  async renew(said: Pick<TaskKeep, 'message' | 'progress'> = {}): Promise<string> {
    return (await this.#send(said)).status
  }

  /**
   * A step of `ctx.once`, which renews the lease. It is repeated for as long as the lease holds where the store is away: what was
   * done must be kept.
   *
   * @throws StoreUnavailable
   */
  async keep(once: NonNullable<TaskKeep['once']>): Promise<KeepReply> {
    return this.#insist(
      () => this.#send({ once }),
      () => this.holds,
    )
  }

  /** Ends the leg. A run that has it no longer changes nothing. */
  async end(end: TaskEnd): Promise<void> {
    const { store, key, owner, clock, executor, tell, report } = this.#parts
    const until = clock.now() + LONGEST
    const reply = await this.#insist(
      () => store.end(key, owner, end, TERMS),
      () => clock.now() < until,
    )
    if (reply.status !== 'ok') return
    tell(key, reply.watchers)
    if (!reply.enqueue || !executor) return
    const { leg, delay } = reply.enqueue
    await executor.enqueue({ task: nameOf(key), leg }, delay).catch(report)
  }

  async #send(keep: Omit<TaskKeep, 'owner'>): Promise<KeepReply> {
    const { store, key, owner, clock, tell } = this.#parts
    const sent = clock.now()
    const reply = await store.renew(key, { owner, ...keep }, TERMS)
    if (reply.status === 'ok') tell(key, reply.watchers)
    if (reply.status !== 'lost' && reply.status !== 'cancelled' && reply.status !== 'unknown') {
      this.#until = Math.max(this.#until, sent + TERMS.lease)
    }
    return reply
  }

  async #insist<T>(work: () => Promise<T>, goesOn: () => boolean): Promise<T> {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || this.#hurries || !goesOn()) throw error
      }
      await pause(this.#parts.clock, PAUSE)
    }
  }
}
