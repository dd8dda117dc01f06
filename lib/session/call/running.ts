/** How many calls of each session run in this process. Calls that return at once are never counted. */
import type { SessionKey } from '../../store/store.ts'

export class RunningCalls {
  readonly #counts = new Map<SessionKey, number>()

  of(key: SessionKey): number {
    return this.#counts.get(key) ?? 0
  }

  begin(key: SessionKey): void {
    this.#counts.set(key, this.of(key) + 1)
  }

  end(key: SessionKey): void {
    const left = this.of(key) - 1
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
  }
}
