/** Results of recent token checks. Bounded: the oldest entry is dropped first. */

const MAX_TOKENS = 5_000

/** `now` and `until` are times of the clock's `now`. */
export class TokenCache<V> {
  readonly #entries = new Map<string, { value: V; until: number }>()

  get(token: string, now: number): V | undefined {
    const entry = this.#entries.get(token)
    if (entry && entry.until > now) return entry.value
    this.#entries.delete(token)
    return undefined
  }

  set(token: string, value: V, until: number): void {
    this.#entries.delete(token)
    this.#entries.set(token, { value, until })
    if (this.#entries.size <= MAX_TOKENS) return
    const [oldest = ''] = this.#entries.keys()
    this.#entries.delete(oldest)
  }

  delete(token: string): void {
    this.#entries.delete(token)
  }
}
