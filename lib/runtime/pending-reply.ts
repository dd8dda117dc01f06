/** The one reply of a POST, which may be there at once or come later. */
import type { Reply } from './reply.ts'

export class PendingReply {
  #reply: Reply | undefined
  #resolve: ((reply: Reply) => void) | undefined
  #refusal: Error | undefined
  #reject: ((refusal: Error) => void) | undefined

  get isGiven(): boolean {
    return this.#reply !== undefined || this.#refusal !== undefined
  }

  /** Gives the reply. The first one counts. */
  give(reply: Reply): void {
    if (this.isGiven) return
    this.#reply = reply
    this.#resolve?.(reply)
  }

  /** Refuses the request. */
  refuse(refusal: Error): void {
    if (this.isGiven) return
    this.#refusal = refusal
    this.#reject?.(refusal)
  }

  /**
   * The reply: at once where it is there.
   * @throws what {@link refuse} was given (or rejects with it)
   */
  take(): Reply | Promise<Reply> {
    if (this.#refusal) throw this.#refusal
    if (this.#reply) return this.#reply
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }
}
