/**
 * Whether load balancers should send requests here, as `/readyz` answers in one word. A store that is away for everybody
 * makes no instance unready: stateless calls go on, and a fleet without a ready instance would serve nobody.
 */
import { type Clock, pause } from '../../base/clock.ts'
import type { Store } from '../../store/store.ts'
import { type StoreTrouble, StoreUnavailable } from '../../store/unavailable.ts'
import type { Leaving } from './drain.ts'

/**
 * ok, degraded: ready, with the store and without it. starting: the store was not reached yet. leaving: the process ends.
 * alone: for a lease the store has answered others, and not this instance.
 */
type Readiness = 'ok' | 'degraded' | 'starting' | 'leaving' | 'alone'

/** How long an answer waits for the store, in ms. Probes give up after a second. */
const PATIENCE = 500
/** How long the store's answer counts, in ms: whoever can reach `/readyz` does not have the store asked more often. */
const FRESH = 250

/** In these troubles the store has answered, and has found this instance in order. */
const REACHED: readonly StoreTrouble[] = ['full', 'readonly']

interface Parts {
  store: Pick<Store, 'ping' | 'answersAnew'>
  clock: Clock
  /** ms */
  lease: number
  leaving: Leaving
}

export class ReadinessCheck {
  readonly #parts: Parts
  /** The store was reached once. */
  #reached = false
  #answers = false
  /** How long the last answer of the store took, in ms. Undefined: it has not answered yet. */
  latency: number | undefined
  /** Since when the store answers others, and not this instance. */
  #aloneSince: number | undefined
  #checking: Promise<void> | undefined
  #checkedAt = Number.NEGATIVE_INFINITY

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async state(): Promise<Readiness> {
    const { clock, leaving, lease } = this.#parts
    if (leaving.begun) return 'leaving'
    if (clock.now() - this.#checkedAt > FRESH) {
      this.#checking ??= this.#check().finally(() => {
        this.#checking = undefined
        this.#checkedAt = clock.now()
      })
    }
    if (this.#checking) {
      const late = pause(clock, PATIENCE)
      await Promise.race([this.#checking, late])
    }
    if (!this.#reached) return 'starting'
    if (this.#aloneSince !== undefined && clock.now() - this.#aloneSince >= lease) return 'alone'
    // A check that is still under way has no answer.
    return this.#answers && !this.#checking ? 'ok' : 'degraded'
  }

  async #check(): Promise<void> {
    const { store, clock } = this.#parts
    const begun = clock.now()
    try {
      await store.ping()
      this.latency = clock.now() - begun
      this.#answers = true
      this.#reached = true
      this.#aloneSince = undefined
    } catch (error) {
      const trouble = error instanceof StoreUnavailable ? error.trouble : 'away'
      this.#answers = false
      this.#reached ||= REACHED.includes(trouble)
      this.#aloneSince = (await this.#isAlone(trouble)) ? (this.#aloneSince ?? begun) : undefined
    }
  }

  /**
   * The store has refused this instance, or it answers on a new connection. Nothing else tells a store that is away from an
   * instance that is cut off: where the network between the two is broken, both look the same from here.
   */
  async #isAlone(trouble: StoreTrouble): Promise<boolean> {
    if (trouble === 'denied') return true
    return trouble === 'away' && ((await this.#parts.store.answersAnew?.()) ?? false)
  }
}
