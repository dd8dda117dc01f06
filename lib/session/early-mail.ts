/** The mail to a run that is about to begin: its name is at the store before its call is in the table of this instance. */
import type { RunningCall } from '../runtime/held.ts'
import type { Instance } from '../runtime/instance.ts'
import type { Mail } from '../runtime/mail.ts'

export class EarlyMail implements RunningCall {
  readonly token: string
  readonly #instance: Instance
  readonly #mail: Mail[] = []

  constructor(instance: Instance, token: string) {
    this.#instance = instance
    this.token = token
    // Without timers: it is there for a moment.
    instance.calls.set(token, this)
  }

  receive(mail: Mail): void {
    this.#mail.push(mail)
  }

  beat(): void {}

  async abandon(): Promise<void> {}

  /** Gives the mail to the run, whose call is in the table by now. */
  giveTo(call: RunningCall): void {
    for (const mail of this.#mail) call.receive(mail)
  }

  /** No run begins by this name, or one has begun. */
  end(): void {
    if (this.#instance.calls.get(this.token) === this) this.#instance.calls.delete(this.token)
  }
}
