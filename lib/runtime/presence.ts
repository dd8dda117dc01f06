/**
 * The sign of life of this instance, and what it concludes from a sign of another that is missing. That one is dead only
 * where this instance has reached the store for a lease without a break. Signs also expire while the store is away for
 * everybody or this process stands still, and a store that is restarted or fails over may have lost them. After each of
 * these a lease passes, in which every living instance renews its sign.
 */
import { type Clock, pause } from '../base/clock.ts'
import type { BusStore } from '../store/store.ts'

/** Parts of a lease: from one sign of life to the next, and how long each lasts. */
export const SIGN_EVERY = 1 / 6
const SIGN_LASTS = 4 / 6
/** A silence of this part of a lease is a break. A shorter one lets no sign expire, even where its renewal was late. */
const BREAK = 2 / 6
/** A sign that is older than this part of a lease is renewed before the store names this instance. */
const STALE = 1 / 4
/** How many leases to wait at most for one without a break. */
const MOST_LEASES = 3

interface PresenceEvents {
  /** A sign of life was renewed that the store no longer had, or had an older one of: see {@link Presence.lapses}. */
  onLapse?(): void
  /** The store has confirmed a sign after a break. */
  onReturn?(): void
}

export class Presence {
  readonly #id: string
  readonly #store: Pick<BusStore, 'up' | 'alive'>
  readonly #clock: Clock
  readonly #lease: number
  #sign = 0
  /** The newest sign that the store has confirmed. */
  #confirmed = 0
  /** When the store last confirmed a sign, and since when it has done so without a break. */
  #last = Number.NEGATIVE_INFINITY
  #since = Number.NEGATIVE_INFINITY

  readonly #events: PresenceEvents
  #leaving = false
  #lapses = 0
  /** Until when the sign lasts at the store that it has confirmed: counted from before it was asked, so that this is never too late. */
  #until = Number.NEGATIVE_INFINITY

  /**
   * @param id of this instance
   * @param lease in ms
   */
  constructor(
    id: string,
    store: Pick<BusStore, 'up' | 'alive'>,
    clock: Clock,
    lease: number,
    events: PresenceEvents = {},
  ) {
    this.#events = events
    this.#id = id
    this.#store = store
    this.#clock = clock
    this.#lease = lease
  }

  get #age(): number {
    return this.#clock.now() - this.#last
  }

  get isStale(): boolean {
    return this.#age > this.#lease * STALE
  }

  /** The store has the sign of this instance: no other takes this one for dead, or is about to claim its calls. */
  get isHeld(): boolean {
    return this.#clock.now() < this.#until
  }

  /**
   * How often the sign was missing, or older than one that the store had confirmed: another instance may have taken this one for dead
   * then, or the store has lost claims of this one.
   */
  get lapses(): number {
    return this.#lapses
  }

  /** True where a sign that is missing now is that of a dead instance. */
  get #isSure(): boolean {
    return this.#age <= this.#lease * BREAK && this.#clock.now() - this.#since >= this.#lease
  }

  /** Renews the sign of life. @throws StoreUnavailable */
  async renew(): Promise<void> {
    const sign = ++this.#sign
    const asked = this.#clock.now()
    const before = await this.#store.up(this.#id, Math.ceil(this.#lease * SIGN_LASTS), String(sign))
    const found = before === undefined ? undefined : Number(before)
    // A sign that was not confirmed is one whose reply was lost, this one itself where it was sent again: whether the store had
    // one before it is known only while the last that was confirmed still lasts.
    const isUnsure = found !== undefined && found > this.#confirmed && !this.isHeld
    // The store had an older sign, or none: it lost what it had confirmed, and perhaps claims of this instance and signs of others.
    const kept = found !== undefined && found >= this.#confirmed
    const lapsed = !kept || isUnsure
    const afterBreak = this.#age > this.#lease * BREAK
    if (!kept || afterBreak) this.#since = this.#clock.now()
    this.#last = this.#clock.now()
    this.#confirmed = Math.max(this.#confirmed, sign)
    this.#until = Math.max(this.#until, asked + this.#lease * SIGN_LASTS)
    if (lapsed && sign > 1) {
      this.#lapses++
      this.#events.onLapse?.()
    }
    if (afterBreak) this.#events.onReturn?.()
  }

  /** The instance shuts down: nothing waits for {@link deadAfterWait} any longer. */
  leave(): void {
    this.#leaving = true
  }

  /** The sign of life was removed from the store. */
  ended(): void {
    this.#last = Number.NEGATIVE_INFINITY
    this.#until = Number.NEGATIVE_INFINITY
  }

  /** Those of `instances` that are dead, as far as this instance can be sure now. @throws StoreUnavailable */
  async dead(instances: string[]): Promise<Set<string>> {
    const missing = await this.#missing(instances)
    return this.#isSure ? missing : new Set()
  }

  /**
   * As {@link dead}. Where a sign is missing and this instance is not sure, it waits until it is, which takes a lease; it
   * renews its own sign meanwhile, since it may have nothing else that does.
   */
  async deadAfterWait(instances: string[]): Promise<Set<string>> {
    const until = this.#clock.now() + this.#lease * MOST_LEASES
    while (this.#clock.now() < until && !this.#leaving) {
      await this.renew()
      const missing = await this.#missing(instances)
      if (missing.size === 0 || this.#isSure) return missing
      await pause(this.#clock, this.#lease * SIGN_EVERY)
    }
    return new Set()
  }

  /** Those of `instances` whose sign of life is missing. Where that of this one is too, the store has lost signs. */
  async #missing(instances: string[]): Promise<Set<string>> {
    const [own, ...alive] = await this.#store.alive([this.#id, ...instances])
    if (own === false) this.#since = this.#clock.now()
    return new Set(instances.filter((_, i) => alive[i] === false))
  }
}
