/** Maps whose entries have lifetimes. An expired entry is never returned; the next sweep frees its memory. */
import type { Clock, Timer } from '../../base/clock.ts'

const SWEEP_EVERY = 30_000

/** A single timer for all maps of a store. It exists only while one of them has an entry. */
export class Sweeper {
  readonly clock: Clock
  readonly #maps: ExpiringMap<unknown>[] = []
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.clock = clock
  }

  map<V>(): ExpiringMap<V> {
    const map = new ExpiringMap<V>(this)
    this.#maps.push(map as ExpiringMap<unknown>)
    return map
  }

  start(): void {
    this.#timer ??= this.clock.every(SWEEP_EVERY, () => this.#sweep())
  }

  /** Removes every entry. */
  clear(): void {
    for (const map of this.#maps) map.clear()
    this.#stop()
  }

  #sweep(): void {
    let left = 0
    for (const map of this.#maps) left += map.sweep()
    if (left === 0) this.#stop()
  }

  #stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}

class ExpiringMap<V> {
  readonly #sweeper: Sweeper
  readonly #entries = new Map<string, { value: V; expires: number }>()

  constructor(sweeper: Sweeper) {
    this.#sweeper = sweeper
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    if (entry.expires > this.#sweeper.clock.now()) return entry.value
    this.#entries.delete(key)
    return undefined
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  /** Sets an entry that lives `lifetime` ms from now. */
  set(key: string, value: V, lifetime: number): void {
    this.#entries.set(key, { value, expires: this.#sweeper.clock.now() + lifetime })
    this.#sweeper.start()
  }

  /** Lets an entry live `lifetime` ms from now. */
  touch(key: string, lifetime: number): void {
    const value = this.get(key)
    if (value !== undefined) this.set(key, value, lifetime)
  }

  delete(key: string): boolean {
    return this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }

  /** Removes expired entries; returns how many entries are left. */
  sweep(): number {
    const now = this.#sweeper.clock.now()
    for (const [key, entry] of this.#entries) if (entry.expires <= now) this.#entries.delete(key)
    return this.#entries.size
  }
}
