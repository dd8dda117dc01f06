/**
 * How many calls a principal may have running at once, on all instances. Short calls are counted in this instance only;
 * calls that register are also counted in the store, in the background. Its answer holds the calls of other instances.
 */
import type { Instance } from './instance.ts'

/** With half of the limit used, the count of other instances is read again when it is older than this, in ms. */
const FRESH_FOR = 500

interface Running {
  here: number
  /** Registered runs of this instance, by owner. */
  registered: Set<string>
  elsewhere: number
  elsewhereAt: number
}

/** The running calls of one principal, and its limit. */
export interface CallQuota {
  /** True if so many more calls may begin. */
  admits(calls: number): boolean
  begin(): void
  end(): void
  /** A run is registered, or its heartbeat reports that it still is. */
  registered(owner: string): void
  unregistered(owner: string): void
}

export class ConcurrencyLimiter {
  readonly #instance: Instance
  readonly #max: number
  readonly #running = new Map<string, Running>()

  constructor(instance: Instance, max: number) {
    this.#instance = instance
    this.#max = max
  }

  quotaOf(principal: string): CallQuota {
    return {
      admits: (calls) => this.#admits(principal, calls),
      begin: () => void this.#at(principal).here++,
      end: () => this.#ended(principal),
      registered: (owner) => {
        this.#at(principal).registered.add(owner)
        this.#report(principal, owner, 4 * this.#instance.options.heartbeat || 60_000)
      },
      unregistered: (owner) => {
        if (this.#running.get(principal)?.registered.delete(owner)) this.#report(principal, owner, 0)
        this.#forget(principal)
      },
    }
  }

  #at(principal: string): Running {
    let running = this.#running.get(principal)
    if (!running) {
      running = { here: 0, registered: new Set(), elsewhere: 0, elsewhereAt: Number.NEGATIVE_INFINITY }
      this.#running.set(principal, running)
    }
    return running
  }

  #admits(principal: string, calls: number): boolean {
    const running = this.#running.get(principal)
    if (!running) return calls <= this.#max
    const total = running.here + calls + running.elsewhere
    const { clock } = this.#instance
    if (total > this.#max / 2 && clock.now() - running.elsewhereAt > FRESH_FOR) {
      running.elsewhereAt = clock.now()
      this.#report(principal, '', 0)
    }
    return total <= this.#max
  }

  #ended(principal: string): void {
    const running = this.#running.get(principal)
    if (!running) return
    running.here--
    this.#forget(principal)
  }

  #forget(principal: string): void {
    const running = this.#running.get(principal)
    if (running && running.here <= 0 && running.registered.size === 0) this.#running.delete(principal)
  }

  /** Counts `owner` in the store for `lifetime` ms (0: no longer), and reads how many runs it has of the principal. */
  #report(principal: string, owner: string, lifetime: number): void {
    const reported = this.#instance.store.occupy(principal, owner, lifetime).then((total) => {
      const running = this.#running.get(principal)
      if (!running) return
      running.elsewhere = Math.max(0, total - running.registered.size)
      running.elsewhereAt = this.#instance.clock.now()
    })
    this.#instance.track(reported)
  }
}
