/** What a session, or a client, keeps in bytes: parts that each count for a time, and their sum. */
export class Parts {
  readonly #parts = new Map<string, { bytes: number; until: number }>()
  #sum = 0

  /** The sum of the parts whose time is not over. */
  sum(now: number): number {
    for (const [name, { until }] of this.#parts) if (until <= now) this.#set(name, 0, 0)
    return this.#sum
  }

  bytesOf(name: string): number {
    return this.#parts.get(name)?.bytes ?? 0
  }

  /** A part has so many bytes (0: it is gone) until a moment; returns the sum. */
  hold(name: string, bytes: number, until: number, now: number): number {
    this.#set(name, bytes, until)
    return this.sum(now)
  }

  /** A part that exists counts until a moment. */
  keepUntil(name: string, until: number): void {
    const part = this.#parts.get(name)
    if (part) part.until = until
  }

  #set(name: string, bytes: number, until: number): void {
    this.#sum += bytes - this.bytesOf(name)
    if (bytes > 0) this.#parts.set(name, { bytes, until })
    else this.#parts.delete(name)
  }
}
