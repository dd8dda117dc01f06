/**
 * Rates of requests: a leaky bucket for each caller (GCRA), counted in this instance. What is counted here is told to
 * the store now and then, in the background, and what the other instances counted comes back with it: so a limit holds
 * for all instances together, about, and no request waits for it.
 */
import type { Clock } from '../base/clock.ts'
import type { LimitStore } from '../store/store.ts'

export interface Rate {
  /** Requests per second in the long run. */
  perSecond: number
  /** Requests at once, by one that was quiet before. */
  burst: number
}

interface Bucket {
  /** When the bucket will be empty, ms since 1970. */
  emptyAt: number
  /** Requests that the store has not been told of. */
  untold: number
  /** What the store counted when it was last told; undefined: it was not told yet. */
  told: number | undefined
  telling: boolean
}

const MAX_BUCKETS = 50_000
/** Nobody waits longer than this, in ms, for what all instances together let pass too much. */
const MAX_DEBT = 10_000

export class Rates {
  readonly #store: Pick<LimitStore, 'count'>
  readonly #clock: Clock
  readonly #track: (work: Promise<unknown>) => void
  readonly #buckets = new Map<string, Bucket>()
  readonly #interval: number
  readonly #depth: number
  /** So many requests are told at a time: a fraction of what is allowed, so that the limit is not far exceeded. */
  readonly #step: number
  readonly #lifetime: number
  readonly #kind: string

  /** `track` is given the work in the background, which may fail. */
  constructor(
    kind: string,
    { perSecond, burst }: Rate,
    store: Pick<LimitStore, 'count'>,
    clock: Clock,
    track: (work: Promise<unknown>) => void,
  ) {
    this.#kind = kind
    this.#store = store
    this.#clock = clock
    this.#track = track
    this.#interval = 1_000 / perSecond
    this.#depth = this.#interval * burst
    this.#step = Math.max(1, Math.floor(burst / 50))
    this.#lifetime = Math.ceil(Math.max(10_000, 2 * this.#depth))
  }

  /** Counts a request. 0: it may pass; else how long to wait, in ms, and it is not counted. */
  take(id: string): number {
    const now = this.#clock.now()
    const bucket = this.#buckets.get(id) ?? this.#add(id, now)
    const emptyAt = Math.max(bucket.emptyAt, now) + this.#interval
    const over = emptyAt - now - this.#depth
    if (over > 0) return over
    bucket.emptyAt = emptyAt
    bucket.untold++
    if (bucket.untold >= this.#step && !bucket.telling) this.#tell(id, bucket)
    return 0
  }

  /** A request that was counted need not have been. */
  giveBack(id: string): void {
    const bucket = this.#buckets.get(id)
    if (!bucket) return
    bucket.emptyAt -= this.#interval
    bucket.untold--
  }

  get size(): number {
    return this.#buckets.size
  }

  #add(id: string, now: number): Bucket {
    if (this.#buckets.size >= MAX_BUCKETS) this.#sweep(now)
    const bucket: Bucket = { emptyAt: now, untold: 0, told: undefined, telling: false }
    this.#buckets.set(id, bucket)
    return bucket
  }

  /** Forgets the empty ones; where all are in use, the older half. */
  #sweep(now: number): void {
    for (const [id, { emptyAt }] of this.#buckets) if (emptyAt <= now) this.#buckets.delete(id)
    let left = this.#buckets.size - MAX_BUCKETS / 2
    for (const id of this.#buckets.keys()) {
      if (left-- <= 0) break
      this.#buckets.delete(id)
    }
  }

  #tell(id: string, bucket: Bucket): void {
    const n = bucket.untold
    bucket.untold = 0
    bucket.telling = true
    const told = this.#store
      .count(`${this.#kind}:${id}`, n, this.#lifetime)
      .then((total) => {
        // What others counted since. A count that began anew meanwhile is smaller than what was known.
        const before = bucket.told === undefined ? total - n : bucket.told
        const others = before + n <= total ? total - n - before : Math.max(0, total - n)
        bucket.told = total
        const now = this.#clock.now()
        // More than the bucket holds: what the instances let pass before they knew of each other is paid back.
        const longest = now + this.#depth + MAX_DEBT
        bucket.emptyAt = Math.min(Math.max(bucket.emptyAt, now) + others * this.#interval, longest)
      })
      .finally(() => {
        bucket.telling = false
        if (bucket.untold >= this.#step) this.#tell(id, bucket)
      })
    this.#track(told)
  }
}
