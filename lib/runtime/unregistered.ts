/** The calls that only this process has, by key. A cancel finds those of sessions by session key and typed id. */
import { randomId } from '../base/ids.ts'
import type { UnregisteredCall } from './held.ts'

export class UnregisteredCalls extends Map<string, UnregisteredCall> {
  /** The keys of calls whose own key a newer call has. */
  readonly #displaced = new Map<UnregisteredCall, string>()

  /** Adds a call. A running call with the same request id gets another key. */
  add(key: string, call: UnregisteredCall): void {
    const older = this.get(key)
    if (older) {
      const other = `${key} ${randomId(6)}`
      this.set(other, older)
      this.#displaced.set(older, other)
    }
    this.set(key, call)
  }

  /** Removes a call. False: it is not here. */
  forget(key: string, call: UnregisteredCall): boolean {
    const at = this.#displaced.get(call) ?? key
    if (this.get(at) !== call) return false
    this.#displaced.delete(call)
    return this.delete(at)
  }
}
