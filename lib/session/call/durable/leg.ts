/**
 * A leg of a durable call: a run from its begin, or from where an earlier run stopped, to the end of the call, its suspension or its
 * loss. It keeps the results of `ctx.once` at the store, and holds the handler back where its run may be over.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { digest } from '../../../base/ids.ts'
import { toJson } from '../../../base/to-json.ts'
import type { JsonObject } from '../../../protocol/jsonrpc.ts'
import type { Ask } from '../../../server/context/client-channel.ts'
import { AskPending } from '../../../server/context/errors.ts'
import { JOURNAL_BYTES, JOURNAL_ENTRIES, type KeepReply } from '../../../store/journal.ts'
import { KeyedAsks } from './keyed-asks.ts'
import type { DurableRun, Earlier, Step } from './run.ts'
import { type SuspendableRun, Suspension } from './suspension.ts'

/** The leg whose `ctx.once` runs now: its messages are those of an effect, and are not numbered. */
const INSIDE = new AsyncLocalStorage<Leg>()

export class Leg {
  readonly #run: DurableRun
  readonly #earlier: Earlier | undefined
  readonly #asks: KeyedAsks
  readonly #suspension: Suspension | undefined
  /** Functions of `ctx.once` and writes to the values of the session that are under way. */
  #busy = 0
  #idle: (() => void)[] = []
  /** Nothing begins until it is open again. */
  #gate: PromiseWithResolvers<void> | undefined

  /** `suspends`: the run may end while it waits for its client. */
  constructor(run: SuspendableRun, earlier: Earlier | undefined, suspends: boolean) {
    this.#suspension = suspends ? new Suspension(run, this) : undefined
    this.#run = run
    this.#earlier = earlier
    this.#asks = new KeyedAsks(run, earlier)
  }

  /** The message that is being sent belongs to the function of a `ctx.once`. */
  get isInside(): boolean {
    return INSIDE.getStore() === this
  }

  get isBusy(): boolean {
    return this.#busy > 0
  }

  /** Resolves when nothing is under way. */
  whenIdle(): Promise<void> {
    return this.#busy === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Begins nothing from now on, until it is opened. */
  close(): void {
    this.#gate ??= Promise.withResolvers()
  }

  /** What was held back goes on, or is refused where the run is over. */
  open(): void {
    this.#gate?.resolve()
    this.#gate = undefined
  }

  /** Does work that must not begin while the run is about to end, and that the end waits for. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    // A function that is under way goes on to its end, with all that it does.
    while (this.#gate && !this.isInside) await this.#gate.promise
    this.requireRunning()
    this.#busy++
    try {
      return await work()
    } finally {
      this.#busy--
      if (this.#busy === 0) for (const wake of this.#idle.splice(0)) wake()
    }
  }

  requireRunning(): void {
    if (!this.#run.over) return
    throw this.#run.isSuspended ? new AskPending('') : new DOMException('The call has ended.', 'AbortError')
  }

  /** Asks as the earlier run did, or anew. */
  async ask(ask: Ask, timeout: number): Promise<JsonObject> {
    while (this.#gate && !this.isInside) await this.#gate.promise
    this.requireRunning()
    const answer = this.#asks.ask(ask, timeout)
    this.#suspension?.asked()
    return answer
  }

  /** `ctx.once`: the function runs where no earlier run has kept its result. */
  once<T>(name: string, fn: () => T | Promise<T>, single: boolean): Promise<T> {
    return this.during(async () => {
      const id = digest(name, 16)
      const known = this.#earlier?.results.get(id)
      if (known !== undefined) return JSON.parse(known) as T
      await this.#holdLease()
      if (single) {
        const begun = await this.#keep({ name: id, step: 'begin' }, name)
        if (begun.status === 'known') return JSON.parse(begun.value) as T
        if (begun.status === 'begun') throw new Error(unknownEffect(name))
      }
      this.requireRunning()
      let value: T
      try {
        value = await INSIDE.run(this, fn)
      } catch (error) {
        // A function that failed was not done: it may run again.
        if (single && !this.#run.over) await this.#keep({ name: id, step: 'fail' }, name)
        throw error
      }
      const text = toJson(value ?? null, `The result of ctx.once("${name}")`)
      if (text.length > JOURNAL_BYTES) throw tooLarge(name)
      const kept = await this.#keep({ name: id, step: 'end', value: text }, name)
      return kept.status === 'known' ? (JSON.parse(kept.value) as T) : value
    })
  }

  /** Another instance may have taken this one for dead, and be about to claim the call: then its claim must come too late. */
  async #holdLease(): Promise<void> {
    const { instance } = this.#run
    // Nobody can claim what the store does not have.
    if (!this.#run.isStored) return
    if (!instance.presence.isHeld) await this.#patiently(() => instance.presence.renew())
    if (instance.presence.lapses !== this.#run.lapses) await this.#run.retake()
    this.requireRunning()
  }

  async #keep(
    step: Step,
    name: string,
  ): Promise<Exclude<KeepReply, { status: 'lost' | 'cancelled' | 'gone' | 'full' }>> {
    const reply = await this.#patiently(() => this.#run.keep(step))
    switch (reply.status) {
      case 'full':
        throw tooLarge(name)
      case 'lost':
      case 'cancelled':
      case 'gone':
        this.#run.interrupt(reply.status)
        this.requireRunning()
        throw new DOMException('The call has ended.', 'AbortError')
      default:
        return reply
    }
  }

  /** @throws AbortError where the call is over before the store has done the work */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#run
    const done = await run.patiently(async () => ({ value: await work() }))
    if (done) return done.value
    throw new DOMException('The call has ended.', 'AbortError')
  }

  /**
   * Begins nothing from now on, and resolves when nothing is under way, or after `patience` ms; at once where it was called before.
   */
  async quiet(patience: number): Promise<void> {
    await this.#suspension?.settled()
    this.#suspension?.ended()
    this.close()
    if (this.#busy === 0) return
    if (this.#hurry) return this.#hurry()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#hurry = resolve
    const timer = this.#run.instance.clock.after(patience, resolve)
    void this.whenIdle().then(resolve)
    await promise
    timer.cancel()
  }
  /** Ends the wait of an earlier call. */
  #hurry: (() => void) | undefined

  /** The run is over: what waits is refused. */
  ended(): void {
    this.#suspension?.ended()
    this.open()
  }
}

function unknownEffect(name: string): string {
  return (
    `ctx.once("${name}", { single: true }): an earlier run of this call has begun it and was lost before its end; ` +
    'whether it had an effect is unknown, so it does not run again.'
  )
}

function tooLarge(name: string): RangeError {
  return new RangeError(
    `ctx.once("${name}"): its result is not kept, since a call keeps ${JOURNAL_BYTES / 1024} KiB and ` +
      `${JOURNAL_ENTRIES} results and asks at most. Return less from it, such as an id.`,
  )
}
