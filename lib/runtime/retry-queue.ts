/**
 * Work at the store for calls that have ended here while the store was away: it is done at once, or, where the store does not answer,
 * later ({@link WaitingWork}).
 */
import type { Clock } from '../base/clock.ts'
import { StoreUnavailable } from '../store/store.ts'
import { WaitingWork } from './waiting-work.ts'

export class RetryQueue {
  readonly #clock: Clock
  readonly #lifetime: number
  readonly #report: (error: unknown) => void
  /** Where something has failed. */
  #waiting: WaitingWork | undefined
  #finished = false

  /** `lifetime`: how long a session lives that nobody uses, in ms. */
  constructor(clock: Clock, lifetime: number, report: (error: unknown) => void) {
    this.#clock = clock
    this.#lifetime = lifetime
    this.#report = report
  }

  /** Does the work now, or later where the store does not answer. The work must be harmless when it is done twice. */
  add(work: () => Promise<unknown>): void {
    void this.now(work)
  }

  /** As {@link add}. Resolves when the work was tried once. */
  now(work: () => Promise<unknown>): Promise<unknown> {
    const until = this.#clock.now() + this.#lifetime
    return work().catch((error) => {
      if (!this.#isAway(error) || this.#finished) return
      this.#waiting ??= new WaitingWork(this.#clock, (later) => this.#isAway(later))
      this.#waiting.add(work, until)
    })
  }

  /** How much work waits for the store. */
  get size(): number {
    return this.#waiting?.size ?? 0
  }

  /** The store was away and answers again: everything that waits is tried soon. */
  again(): void {
    this.#waiting?.again()
  }

  /** Tries everything once more before the process ends. The rest is given up. */
  async finish(): Promise<void> {
    this.#finished = true
    await this.#waiting?.finish()
  }

  /** Reports another error. */
  #isAway(error: unknown): boolean {
    if (error instanceof StoreUnavailable) return true
    this.#report(error)
    return false
  }
}
