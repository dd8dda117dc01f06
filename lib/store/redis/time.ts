/**
 * The time by the clock of Redis, as this process last heard of it. Times in the store are compared with it: the wall clock of
 * an instance may be wrong.
 */

/** The clocks of this process and of Redis may run apart by this part of the time. */
const DRIFT = 1 / 1_000

export class RedisTime {
  #redis = 0
  #here = Number.NEGATIVE_INFINITY
  #slept = 0

  /** A reply of Redis had its time. */
  heard(redis: number): void {
    this.#redis = redis
    this.#here = performance.now()
    this.#slept = 0
  }

  /** The process was asleep for so many ms. Its clock may have stood still meanwhile, or have gone on. */
  slept(ms: number): void {
    this.#slept += ms
  }

  /** True where a moment (ms since 1970, by the clock of Redis) is certainly less than `ms` before or after now. */
  isWithin(ms: number, moment: number): boolean {
    const passed = performance.now() - this.#here
    const least = this.#redis + passed * (1 - DRIFT)
    const most = this.#redis + passed * (1 + DRIFT) + this.#slept
    return Math.abs(least - moment) < ms && Math.abs(most - moment) < ms
  }
}
