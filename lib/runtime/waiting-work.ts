/**
 * Work that the store has not done. Each item is tried again for as long as its session may live, with pauses of its own that grow:
 * what failed a moment ago does not wait for what fails for hours, since others may wait for it, such as for a call that this
 * process gives up. Items are tried one after the other, so that a store that is back is not flooded.
 */
import type { Clock, Timer } from '../base/clock.ts'
import { jitter } from '../base/ids.ts'

type Work = () => Promise<unknown>

interface Item {
  work: Work
  /** When the session has ended by itself, by the clock's `now`. */
  until: number
  /** The pause after the next failure, in ms. */
  pause: number
  /** When it is tried again, by the clock's `now`. */
  due: number
}

/** How many items wait at most. Beyond that the oldest is given up: its session has the least time left. */
const MOST = 5_000
const FIRST_PAUSE = 5_000
const LONGEST_PAUSE = 60_000
/** The pause where the store is back, in ms. */
const SOON = 500
/** How long the last try may take, in ms. */
const LAST_TRY = 1_000

export class WaitingWork {
  readonly #clock: Clock
  readonly #isAway: (error: unknown) => boolean
  readonly #waiting = new Set<Item>()
  /** The part of each pause that this instance waits: a store is away for all instances at the same moment. */
  readonly #part = jitter(1)
  #timer: Timer | undefined
  #timerDue = 0
  /** A round is under way. */
  #trying = false
  #finished = false

  /** `isAway`: the store does not answer, so that the work waits on. Otherwise it is given up. */
  constructor(clock: Clock, isAway: (error: unknown) => boolean) {
    this.#clock = clock
    this.#isAway = isAway
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Adds work that has failed, to be tried until then. */
  add(work: Work, until: number): void {
    this.#keep({ work, until, pause: FIRST_PAUSE, due: 0 })
  }

  /** Everything is tried soon. */
  again(): void {
    const due = this.#clock.now() + SOON * this.#part
    for (const item of this.#waiting) Object.assign(item, { pause: FIRST_PAUSE, due })
    if (this.#waiting.size > 0) this.#wait(due)
  }

  /** Tries everything once more. The rest is given up. */
  async finish(): Promise<void> {
    this.#finished = true
    if (this.#waiting.size === 0) return
    const late = new Promise<void>((resolve) => void this.#clock.after(LAST_TRY, resolve))
    await Promise.race([this.#round(() => true), late])
    this.#waiting.clear()
  }

  #keep(item: Item): void {
    item.due = this.#clock.now() + item.pause * this.#part
    item.pause = Math.min(2 * item.pause, LONGEST_PAUSE)
    this.#waiting.add(item)
    const [oldest] = this.#waiting
    if (oldest && this.#waiting.size > MOST) this.#waiting.delete(oldest)
    this.#wait(item.due)
  }

  /** Begins a round at `due`, unless one begins before. */
  #wait(due: number): void {
    if (this.#trying || this.#finished || (this.#timer && this.#timerDue <= due)) return
    this.#timer?.cancel()
    this.#timerDue = due
    this.#timer = this.#clock.after(Math.max(0, due - this.#clock.now()), () => {
      this.#timer = undefined
      const now = this.#clock.now()
      void this.#round((item) => item.due <= now)
    })
  }

  async #round(isDue: (item: Item) => boolean): Promise<void> {
    this.#trying = true
    for (const item of [...this.#waiting]) if (isDue(item) && this.#waiting.has(item)) await this.#try(item)
    this.#trying = false
    let next = Number.POSITIVE_INFINITY
    for (const { due } of this.#waiting) next = Math.min(next, due)
    if (this.#waiting.size > 0) this.#wait(next)
  }

  async #try(item: Item): Promise<void> {
    try {
      if (item.until > this.#clock.now()) await item.work()
      this.#waiting.delete(item)
    } catch (error) {
      if (this.#isAway(error)) this.#keep(item)
      else this.#waiting.delete(item)
    }
  }
}
