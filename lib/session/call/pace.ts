/** The timers of a call that does not return at once: registration, stream, automatic progress, deadline. */

import type { Timer } from '../../base/clock.ts'
import { notificationText, typedId } from '../../protocol/jsonrpc.ts'
import { OUT_OF_TIME } from '../../runtime/error-text.ts'
import type { UnregisteredCall } from '../../runtime/held.ts'
import { before } from '../../runtime/timers.ts'
import type { CallParts } from './host.ts'
import type { AutoProgress } from './progress.ts'

export interface PacedCall extends UnregisteredCall {
  readonly over: boolean
  /** The call has run for so long that the store should have it. */
  registrationDue(): void
  /** The call has run for so long that its response becomes a stream. */
  streamDue(): void
  send(data: string): Promise<void>
  abandon(why?: string): Promise<void>
}

export class Pace {
  readonly #call: PacedCall
  readonly #parts: CallParts
  readonly #progress: AutoProgress
  #timer: Timer
  readonly #deadline: Timer | undefined

  /** `stored`: the store has the call. Otherwise a cancel finds it in the table of this instance. */
  constructor(call: PacedCall, parts: CallParts, progress: AutoProgress, stored: boolean) {
    const { instance } = parts.host
    const { registerAfter, abandonBefore } = instance.options
    this.#call = call
    this.#parts = parts
    this.#progress = progress
    if (!stored) instance.unregistered.add(this.#key, call)
    this.#timer = instance.clock.after(registerAfter, () => this.#runsLong())
    this.#deadline = before(instance.clock, parts.caller.deadline, abandonBefore, 0.25, () => {
      void instance.track(call.abandon(OUT_OF_TIME))
    })
  }

  get #key(): string {
    return `${this.#parts.session.key}${typedId(this.#parts.request.id)}`
  }

  /** The store has the call. */
  registered(): void {
    this.#parts.host.instance.forgetUnregistered(this.#key, this.#call)
  }

  /** The response is there. */
  stop(): void {
    this.#timer.cancel()
    this.#deadline?.cancel()
    this.registered()
  }

  #runsLong(): void {
    const { clock, options } = this.#parts.host.instance
    this.#call.registrationDue()
    if (this.#call.over || !this.#parts.carrier.streams) return
    this.#timer = clock.after(Math.max(0, options.streamAfter - options.registerAfter), () => {
      this.#call.streamDue()
      this.#keepReporting()
    })
    if (options.autoProgress < options.streamAfter) this.#keepReporting()
  }

  /** Sends progress while the handler sends nothing. */
  #keepReporting(): void {
    const { clock, options } = this.#parts.host.instance
    if (this.#call.over || !this.#progress.wanted || options.autoProgress <= 0) return
    this.#timer.cancel()
    this.#timer = clock.after(options.autoProgress, () => {
      if (this.#call.over) return
      const params = this.#progress.tick()
      if (params) void this.#call.send(notificationText('notifications/progress', params))
      this.#keepReporting()
    })
  }
}
