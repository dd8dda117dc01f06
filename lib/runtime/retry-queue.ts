/**
 * Work at the store for calls that have ended here while the store was away. Each item is tried again for as long as its session may
 * live, with growing pauses, and one after the other, so that a store that is back is not flooded.
 */
import type { Clock, Timer } from '../base/clock.ts'
import { jitter } from '../base/ids.ts'
import { StoreUnavailable } from '../store/store.ts'

interface Item {
  work: () => Promise<unknown>
  /** When the session has ended by itself, by the clock's `now`. */
  until: number
}

/** How many items wait at most. Beyond that the oldest is given up: its session has the least time left. */
const MOST = 5_000
const FIRST_PAUSE = 5_000
const LONGEST_PAUSE = 60_000
/** How long the last try may take, in ms. */
const LAST_TRY = 1_000

export class RetryQueue {
  readonly #clock: Clock
  readonly #lifetime: number
  readonly #report: (error: unknown) => void
  readonly #waiting = new Set<Item>()
  #pause = FIRST_PAUSE
  #timer: Timer | undefined
  /** A round is under way. */
  #trying = false
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
    return work().catch((error) => this.#failed({ work, until }, error))
  }

  /** Tries everything once more before the process ends. The rest is given up. */
  async finish(): Promise<void> {
    this.#finished = true
    if (this.#waiting.size === 0) return
    const late = new Promise<void>((resolve) => void this.#clock.after(LAST_TRY, resolve))
    await Promise.race([this.#round(), late])
    this.#waiting.clear()
  }

  async #try(item: Item): Promise<void> {
    try {
      if (item.until > this.#clock.now()) await item.work()
      this.#waiting.delete(item)
    } catch (error) {
      this.#failed(item, error)
    }
  }

  #failed(item: Item, error: unknown): void {
    if (error instanceof StoreUnavailable) return this.#keep(item)
    this.#waiting.delete(item)
    this.#report(error)
  }

  #keep(item: Item): void {
    this.#waiting.add(item)
    const [oldest] = this.#waiting
    if (oldest && this.#waiting.size > MOST) this.#waiting.delete(oldest)
    this.#goOn()
  }

  #goOn(): void {
    if (this.#trying || this.#finished || this.#waiting.size === 0) return
    this.#timer ??= this.#clock.after(jitter(this.#pause), () => void this.#round())
  }

  async #round(): Promise<void> {
    this.#trying = true
    this.#timer?.cancel()
    this.#timer = undefined
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE)
    for (const item of [...this.#waiting]) if (this.#waiting.has(item)) await this.#try(item)
    this.#trying = false
    if (this.#waiting.size === 0) this.#pause = FIRST_PAUSE
    this.#goOn()
  }
}
