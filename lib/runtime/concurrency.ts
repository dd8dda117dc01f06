/**
 * How many calls a principal has running at once, on all instances. Short calls are counted here alone; those that
 * register are also counted in the store, in the background, and what the others run comes back with it.
 */
import type { Instance } from './instance.ts'

/** With half of the limit used, what the others run is asked again when it is known for longer than this, in ms. */
const BELIEVED = 500

interface Running {
  here: number
  /** Registered runs of this instance, by owner. */
  registered: Set<string>
  elsewhere: number
  elsewhereAt: number
}

/** The load of one principal. */
export interface Load {
  /** Whether so many more calls may begin. */
  admits(calls: number): boolean
  begin(): void
  end(): void
  /** A run is registered, or its heartbeat says that it still is. */
  registered(owner: string): void
  unregistered(owner: string): void
}

export class Loads {
  readonly #instance: Instance
  readonly #max: number
  readonly #running = new Map<string, Running>()

  constructor(instance: Instance, max: number) {
    this.#instance = instance
    this.#max = max
  }

  of(principal: string): Load {
    return {
      admits: (calls) => this.#admits(principal, calls),
      begin: () => void this.#at(principal).here++,
      end: () => this.#ended(principal),
      registered: (owner) => {
        this.#at(principal).registered.add(owner)
        this.#tell(principal, owner, 4 * this.#instance.options.heartbeat || 60_000)
      },
      unregistered: (owner) => {
        if (this.#running.get(principal)?.registered.delete(owner)) this.#tell(principal, owner, 0)
        this.#forget(principal)
      },
    }
  }

  get size(): number {
    return this.#running.size
  }

  #at(principal: string): Running {
    let running = this.#running.get(principal)
    if (!running) {
      running = { here: 0, registered: new Set(), elsewhere: 0, elsewhereAt: 0 }
      this.#running.set(principal, running)
    }
    return running
  }

  #admits(principal: string, calls: number): boolean {
    const running = this.#running.get(principal)
    if (!running) return calls <= this.#max
    const total = running.here + calls + running.elsewhere
    const { clock } = this.#instance
    if (total > this.#max / 2 && clock.now() - running.elsewhereAt > BELIEVED) {
      running.elsewhereAt = clock.now()
      this.#tell(principal, '', 0)
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

  #tell(principal: string, owner: string, lifetime: number): void {
    const told = this.#instance.store.occupy(principal, owner, lifetime).then((total) => {
      const running = this.#running.get(principal)
      if (!running) return
      running.elsewhere = Math.max(0, total - running.registered.size)
      running.elsewhereAt = this.#instance.clock.now()
    })
    this.#instance.track(told)
  }
}
