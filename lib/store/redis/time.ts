/**
 * The time by the clock of Redis, as this process last heard of it. Times in the store are compared with it: the wall clock of
 * an instance may be wrong.
 */

/** For so long, in ms, the clocks of this process and of Redis are taken to run alike. */
const VALID_FOR = 60_000

export class RedisTime {
  #redis = 0
  #here = Number.NEGATIVE_INFINITY

  /** A reply of Redis had its time. */
  heard(redis: number): void {
    this.#redis = redis
    this.#here = performance.now()
  }

  /** Milliseconds since 1970, or undefined where Redis must be asked. */
  now(): number | undefined {
    const passed = performance.now() - this.#here
    return passed < VALID_FOR ? this.#redis + passed : undefined
  }

  /** The process was asleep: its clock may have stood still. */
  forget(): void {
    this.#here = Number.NEGATIVE_INFINITY
  }
}
