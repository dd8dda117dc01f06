/**
 * The suspension of a call that only waits for its client: its run ends once the store has taken it, and not before. Then nothing of
 * the call is left in this process. The answer, a deadline or a cancel wakes it, on whichever instance finds it.
 */
import type { Timer } from '../../../base/clock.ts'
import type { SuspendReply } from '../../../store/journal.ts'
import type { Leg } from './leg.ts'
import type { DurableRun } from './run.ts'

/** The run of a call that may be suspended. */
export interface SuspendableRun extends DurableRun {
  /** What polls send in place of the run. */
  readonly note: string | undefined
  /** Resolves with whether everything that was sent is in the log, and the run may be suspended as it stands. */
  isQuiet(): Promise<boolean>
  /** suspending: what is sent from now on is held back. resumed: it goes on. suspended: the run is over. */
  report(event: 'suspending' | 'resumed' | 'suspended'): void
  receiveAnswer(id: string, value: string): void
}

export class Suspension {
  readonly #run: SuspendableRun
  readonly #leg: Leg
  #timer: Timer | undefined
  /** Counts the asks: what waits for an earlier one is given up. */
  #asked = 0
  #suspending: Promise<void> | undefined

  constructor(run: SuspendableRun, leg: Leg) {
    this.#run = run
    this.#leg = leg
  }

  /** The client was asked: the run ends `suspendAfter` ms after the last ask, if it waits for answers then. */
  asked(): void {
    const { clock, options } = this.#run.instance
    const asked = ++this.#asked
    this.#timer?.cancel()
    this.#timer = clock.after(options.suspendAfter, () => void this.#due(asked))
  }

  /** The call is over. */
  ended(): void {
    this.#asked++
    this.#timer?.cancel()
  }

  /** Resolves when no reply of the store is outstanding that decides whether the run goes on. */
  async settled(): Promise<void> {
    await this.#suspending
  }

  async #due(asked: number): Promise<void> {
    const isCurrent = () => asked === this.#asked && !this.#run.over && this.#run.asks.waiting.length > 0
    while (isCurrent()) {
      await this.#leg.whenIdle()
      if (!isCurrent()) return
      const isQuiet = await this.#run.isQuiet()
      if (!isCurrent()) return
      // Something has begun, or was said, meanwhile.
      if (this.#leg.isBusy) continue
      if (!isQuiet) return this.asked()
      this.#leg.close()
      this.#run.report('suspending')
      this.#suspending = this.#suspend()
      return this.#suspending
    }
  }

  async #suspend(): Promise<void> {
    const { instance, sessionKey, name: stream, owner, asks, note } = this.#run
    const { maxSuspended: max } = instance.options
    const suspension = { stream, owner, asks: asks.waiting, note, max }
    const reply = await this.#run.patiently(() => instance.store.suspend(sessionKey, suspension))
    if (!reply || this.#run.over) return
    this.#replied(reply)
  }

  #replied(reply: SuspendReply): void {
    const run = this.#run
    switch (reply.status) {
      case 'ok':
        run.report('suspended')
        // The holder closes its response, and the client polls.
        if (reply.holder !== undefined) void run.instance.send({ t: 'look', to: reply.holder })
        return
      case 'news':
      case 'full':
        this.#leg.open()
        run.report('resumed')
        if (reply.status === 'news') for (const [id, value] of reply.answers) run.receiveAnswer(id, value)
        if (run.asks.waiting.length > 0) this.asked()
        return
      default:
        run.interrupt(reply.status)
    }
  }
}
