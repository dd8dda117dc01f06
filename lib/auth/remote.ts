/** Questions to an authorization server that may be away: a failure is followed by a pause in which nothing is asked. */
import type { Clock } from '../base/clock.ts'
import { AuthRefusal, unavailable } from './refusal.ts'

/** How long known keys and answers are used beyond their life while the server is away, in ms. */
export const OUTLIVES = 3_600_000
/** The pause after the first failure, in ms. It doubles with each further one. */
const FIRST_PAUSE = 1_000
const LONGEST_PAUSE = 30_000

/** Receives the cause of each failure. Clients are sent none. */
export type Report = (error: unknown) => void

export class Questions {
  readonly #clock: Clock
  readonly #report: Report
  #failures = 0
  #pausedUntil = Number.NEGATIVE_INFINITY
  #asking = 0

  constructor(clock: Clock, report: Report) {
    this.#clock = clock
    this.#report = report
  }

  /** The last question failed. */
  get failing(): boolean {
    return this.#failures > 0
  }

  /**
   * Asks, unless the server failed a moment ago. While it fails, one question is in flight at a time.
   * @throws AuthRefusal 503 that says when to try again
   */
  async ask<T>(question: () => Promise<T>): Promise<T> {
    if (this.#pause > 0 || (this.failing && this.#asking > 0)) throw unavailable(undefined, this.#pause)
    this.#asking++
    try {
      const answer = await question()
      this.#failures = 0
      return answer
    } catch (error) {
      // Questions that were in flight together fail together, and count as one failure.
      if (this.#pause <= 0) {
        this.#pausedUntil = this.#clock.now() + Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#failures++)
        // A refusal here is that of another question, which has reported its cause.
        if (!(error instanceof AuthRefusal)) this.#report(error)
      }
      throw unavailable(undefined, this.#pause)
    } finally {
      this.#asking--
    }
  }

  get #pause(): number {
    return this.#pausedUntil - this.#clock.now()
  }
}

/** A value that another server has. Requests that need it at the same time wait for one question. */
export class Remote<T> {
  readonly #question: () => Promise<T>
  readonly #clock: Clock
  readonly #questions: Questions
  #known: { value: T; at: number } | undefined
  #asking: Promise<T> | undefined
  /** The value is asked for again at the next need, whatever its age. */
  #stale = false

  constructor(question: () => Promise<T>, clock: Clock, report: Report) {
    this.#question = question
    this.#clock = clock
    this.#questions = new Questions(clock, report)
  }

  /**
   * The value, asked for again when it is `fresh` ms old. Where the server is away then, a value that is at most `outlives` ms
   * older is used.
   * @throws AuthRefusal 503
   */
  async get(fresh: number, outlives: number): Promise<T> {
    const known = this.#known
    const age = known ? this.#clock.now() - known.at : 0
    if (!known || age >= fresh + outlives) return this.ask()
    if (age < fresh && !this.#stale) return known.value
    const asked = this.ask().catch((error: unknown) => {
      if (error instanceof AuthRefusal) return known.value
      throw error
    })
    // A server that failed the last time may take seconds to fail again: nobody waits for that.
    return this.#questions.failing ? known.value : asked
  }

  /** True where the value was fetched less than so many ms ago. */
  isYoungerThan(ms: number): boolean {
    return this.#known !== undefined && !this.#stale && this.#clock.now() - this.#known.at < ms
  }

  ask(): Promise<T> {
    this.#asking ??= this.#questions
      .ask(this.#question)
      .then((value) => {
        this.#known = { value, at: this.#clock.now() }
        this.#stale = false
        return value
      })
      .finally(() => {
        this.#asking = undefined
      })
    return this.#asking
  }

  /** The age of the value is not known any more. */
  doubt(): void {
    this.#stale = true
  }
}
