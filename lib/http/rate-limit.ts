/**
 * Rates of requests: a leaky bucket for each client (GCRA), counted in this instance. The count is reported to the store
 * in the background, whose answer holds the requests that other instances counted. So a limit holds for all instances
 * together, approximately, and no request waits for the store.
 */

import type { Rate } from '../base/setting.ts'
import type { RateKind } from '../protocol/refusal-texts.ts'
import type { Instance } from '../runtime/instance.ts'

interface Bucket {
  /** When the bucket will be empty, by the clock's `now`. */
  emptyAt: number
  /** Requests that were not yet reported to the store. */
  unreported: number
  /** The store's total at the last report; undefined before the first one. */
  total: number | undefined
  reporting: boolean
}

const MAX_BUCKETS = 50_000
/** The longest that a client waits, in ms, because the instances together let too many of its requests pass. */
const MAX_DEBT = 10_000

export class RateLimiter {
  readonly #instance: Instance
  readonly #buckets = new Map<string, Bucket>()
  readonly #interval: number
  readonly #depth: number
  /** A report is made for so many requests: a fraction of the burst, so that the limit is not far exceeded. */
  readonly #step: number
  readonly #lifetime: number
  /** Of what its clients are. */
  readonly kind: RateKind

  constructor(kind: RateKind, { perSecond, burst }: Rate, instance: Instance) {
    this.kind = kind
    this.#instance = instance
    this.#interval = 1_000 / perSecond
    this.#depth = this.#interval * burst
    this.#step = Math.max(1, Math.floor(burst / 50))
    this.#lifetime = Math.ceil(Math.max(10_000, 2 * this.#depth))
  }

  /** Counts a request and returns 0, or returns how long to wait, in ms, and does not count it. */
  consume(id: string): number {
    return this.#count(id, 1, this.#depth)
  }

  /**
   * Counts the further `n` messages of a request that was counted as one: a batch. As {@link consume}. A batch with more
   * messages than the burst is let in where its client was quiet before. The first message stays counted, also where the
   * others are not: the body was read.
   */
  consumeMore(id: string, n: number): number {
    const wait = this.#count(id, n, Math.max(this.#depth, (n + 1) * this.#interval))
    return wait > 0 ? wait + this.#interval : 0
  }

  #count(id: string, n: number, depth: number): number {
    const now = this.#instance.clock.now()
    const bucket = this.#buckets.get(id) ?? this.#add(id, now)
    const emptyAt = Math.max(bucket.emptyAt, now) + n * this.#interval
    const over = emptyAt - now - depth
    if (over > 0) return over
    bucket.emptyAt = emptyAt
    bucket.unreported += n
    if (bucket.unreported >= this.#step && !bucket.reporting) this.#report(id, bucket)
    return 0
  }

  /** Takes back the count of one request. */
  refund(id: string): void {
    const bucket = this.#buckets.get(id)
    if (!bucket) return
    bucket.emptyAt -= this.#interval
    bucket.unreported--
  }

  #add(id: string, now: number): Bucket {
    if (this.#buckets.size >= MAX_BUCKETS) this.#sweep(now)
    const bucket: Bucket = { emptyAt: now, unreported: 0, total: undefined, reporting: false }
    this.#buckets.set(id, bucket)
    return bucket
  }

  /** Drops the empty buckets; where all are in use, the older half. */
  #sweep(now: number): void {
    for (const [id, { emptyAt }] of this.#buckets) if (emptyAt <= now) this.#buckets.delete(id)
    let left = this.#buckets.size - MAX_BUCKETS / 2
    for (const id of this.#buckets.keys()) {
      if (left-- <= 0) break
      this.#buckets.delete(id)
    }
  }

  #report(id: string, bucket: Bucket): void {
    const n = bucket.unreported
    bucket.unreported = 0
    bucket.reporting = true
    const reported = this.#instance.store
      .count(`${this.kind}:${id}`, n, this.#lifetime)
      .then((total) => {
        // Requests that other instances counted since. A total that expired meanwhile begins anew and is smaller.
        const before = bucket.total ?? total - n
        const others = before + n <= total ? total - n - before : Math.max(0, total - n)
        bucket.total = total
        const now = this.#instance.clock.now()
        // Longer than the bucket is deep: requests beyond the limit, which passed before this report, are paid back.
        const longest = Math.max(now + this.#depth + MAX_DEBT, bucket.emptyAt)
        bucket.emptyAt = Math.min(Math.max(bucket.emptyAt, now) + others * this.#interval, longest)
      })
      .finally(() => {
        bucket.reporting = false
        if (bucket.unreported >= this.#step) this.#report(id, bucket)
      })
    this.#instance.track(reported)
  }
}
