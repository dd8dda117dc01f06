/** Equal errors: the first is written at once, the others are counted and written as one line from time to time. */
import type { Clock, Timer } from '../../base/clock.ts'

/** From one line about equal errors to the next, in ms. Exported for tests. */
export const INTERVAL = 30_000
/** Different errors that are kept. Further ones are counted together. */
const MAX_KEYS = 200

interface Counted {
  again: number
  write: (again: number) => void
}

export class Thinning {
  readonly #clock: Clock
  readonly #counted = new Map<string, Counted>()
  #others = 0
  readonly #writeOthers: (errors: number) => void
  #timer: Timer | undefined

  /** @param writeOthers writes a line about that many errors of too many kinds */
  constructor(clock: Clock, writeOthers: (errors: number) => void) {
    this.#clock = clock
    this.#writeOthers = writeOthers
  }

  /**
   * Writes an error, or counts it where an equal one was written within the interval.
   *
   * @param write `again`: how often the error came since the line before, where this is not the first
   */
  add(key: string, write: (again: number) => void): void {
    const known = this.#counted.get(key)
    if (known) known.again++
    else if (this.#counted.size >= MAX_KEYS) this.#others++
    else {
      this.#counted.set(key, { again: 0, write })
      write(0)
    }
    this.#timer ??= this.#clock.every(INTERVAL, () => this.flush())
  }

  /** Writes what was counted. An error that did not come again is forgotten. */
  flush(): void {
    for (const [key, counted] of this.#counted) {
      if (counted.again === 0) this.#counted.delete(key)
      else counted.write(counted.again)
      counted.again = 0
    }
    if (this.#others > 0) this.#writeOthers(this.#others)
    this.#others = 0
    if (this.#counted.size > 0) return
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
