/** Maps whose entries have lifetimes. An expired entry is never returned; the next sweep frees its memory. */
import type { Clock, Timer } from '../../base/clock.ts'
import { StoreUnavailable } from '../store.ts'

const SWEEP_EVERY = 30_000

/** A single timer for all maps of a store. It exists only while one of them has an entry. */
export class Sweeper {
  readonly clock: Clock
  /** The bytes of all entries that were weighed. */
  used = 0
  readonly #maps: ExpiringMap<unknown>[] = []
  #timer: Timer | undefined
  readonly #most: number
  #sweptAt = Number.NEGATIVE_INFINITY

  /** @param most bytes of all entries together */
  constructor(clock: Clock, most: number) {
    this.clock = clock
    this.#most = most
  }

  /** The store has used so much of its memory, even without what has expired. */
  isFull(share: number): boolean {
    if (this.used < share * this.#most) return false
    const now = this.clock.now()
    if (now - this.#sweptAt >= 1_000) {
      this.#sweptAt = now
      this.sweep()
    }
    return this.used >= share * this.#most
  }

  /** @throws StoreUnavailable where the store has no room for so many bytes more */
  requireRoom(bytes: number): void {
    if (this.isFull(1 - bytes / this.#most))
      throw new StoreUnavailable('The memory of the store is full.', { trouble: 'full' })
  }

  map<V>(): ExpiringMap<V> {
    const map = new ExpiringMap<V>(this)
    this.#maps.push(map as ExpiringMap<unknown>)
    return map
  }

  start(): void {
    this.#timer ??= this.clock.every(SWEEP_EVERY, () => this.sweep())
  }

  /** Removes every entry. */
  clear(): void {
    for (const map of this.#maps) map.clear()
    this.#stop()
  }

  /** Removes the entries whose time is over. */
  sweep(): void {
    let left = 0
    for (const map of this.#maps) left += map.sweep()
    if (left === 0) this.#stop()
  }

  #stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}

interface Entry<V> {
  value: V
  expires: number
  bytes: number
}

export class ExpiringMap<V> {
  readonly #sweeper: Sweeper
  readonly #entries = new Map<string, Entry<V>>()

  constructor(sweeper: Sweeper) {
    this.#sweeper = sweeper
  }

  get(key: string, now = this.#sweeper.clock.now()): V | undefined {
    return this.#present(key, now)?.value
  }

  #present(key: string, now: number): Entry<V> | undefined {
    const entry = this.#entries.get(key)
    if (!entry || entry.expires > now) return entry
    this.delete(key)
    return undefined
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  /** Sets an entry that lives `lifetime` ms from now. */
  set(key: string, value: V, lifetime: number): void {
    const bytes = this.#entries.get(key)?.bytes ?? 0
    this.#entries.set(key, { value, expires: this.#sweeper.clock.now() + lifetime, bytes })
    this.#sweeper.start()
  }

  /** Replaces the value of an entry that exists; its lifetime stays. */
  replace(key: string, value: V): void {
    const entry = this.#entries.get(key)
    if (entry) entry.value = value
  }

  /** An entry that exists has so many bytes. */
  weigh(key: string, bytes: number): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#sweeper.used += bytes - entry.bytes
    entry.bytes = bytes
  }

  /** Lets an entry live `lifetime` ms at most. */
  shorten(key: string, lifetime: number): void {
    const entry = this.#entries.get(key)
    if (entry) entry.expires = Math.min(entry.expires, this.#sweeper.clock.now() + lifetime)
  }

  /** Lets an entry live `lifetime` ms from now. */
  touch(key: string, lifetime: number, now = this.#sweeper.clock.now()): void {
    const entry = this.#present(key, now)
    if (entry) entry.expires = now + lifetime
  }

  /** For how many ms an entry still lives; 0 where there is none. */
  timeLeft(key: string): number {
    return Math.max(0, (this.#entries.get(key)?.expires ?? 0) - this.#sweeper.clock.now())
  }

  delete(key: string): boolean {
    this.weigh(key, 0)
    return this.#entries.delete(key)
  }

  clear(): void {
    for (const key of this.#entries.keys()) this.delete(key)
  }

  /** Removes expired entries; returns how many entries are left. */
  sweep(): number {
    const now = this.#sweeper.clock.now()
    for (const [key, entry] of this.#entries) if (entry.expires <= now) this.delete(key)
    return this.#entries.size
  }
}
