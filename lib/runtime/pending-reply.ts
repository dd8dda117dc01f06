/** The one reply of a POST, which may be there at once or come later. */
import type { Reply } from './reply.ts'

export class PendingReply {
  #given: Reply | Error | undefined
  #settle: ((given: Reply | Error) => void) | undefined

  get isGiven(): boolean {
    return this.#given !== undefined
  }

  /** Gives the reply, or the refusal of the request. The first one counts. */
  give(given: Reply | Error): void {
    if (this.#given) return
    this.#given = given
    this.#settle?.(given)
  }

  /**
   * The reply: at once where it is there.
   * @throws the refusal that was given (or rejects with it)
   */
  take(): Reply | Promise<Reply> {
    if (this.#given instanceof Error) throw this.#given
    if (this.#given) return this.#given
    return new Promise((resolve, reject) => {
      // A variable first: docs/decisions/2026-11-26-functions-in-members.md.
      const settle = (given: Reply | Error) => (given instanceof Error ? reject(given) : resolve(given))
      this.#settle = settle
    })
  }
}
