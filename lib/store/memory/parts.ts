/** What a session, or a client, keeps in bytes: parts that each count for a time, and their sum. */
export class Parts {
  readonly #parts = new Map<string, Part>()
  /** The parts by their lifetime, in the order in which they expire: a session may have thousands of them. */
  readonly #queues = new Map<number, Queue>()
  /** No part expires before. */
  #next = Number.POSITIVE_INFINITY
  #sum = 0

  /** The sum of the parts whose time is not over. */
  sum(now: number): number {
    if (this.#next <= now) this.#expire(now)
    return this.#sum
  }

  /** For how many ms some part still counts, about. */
  timeLeft(now: number): number {
    let until = now
    for (const queue of this.#queues.values()) if (queue.size > 0) until = Math.max(until, queue.until)
    return until - now
  }

  bytesOf(name: string): number {
    return this.#parts.get(name)?.bytes ?? 0
  }

  /** A part has so many bytes for `lifetime` ms; returns the sum. */
  hold(name: string, bytes: number, lifetime: number, now: number): number {
    this.drop(name)
    if (bytes > 0) this.#add({ name, bytes, lifetime, until: now + lifetime })
    return this.sum(now)
  }

  /** A part that exists counts for `lifetime` ms from now. */
  keepFor(name: string, lifetime: number, now: number): void {
    this.hold(name, this.bytesOf(name), lifetime, now)
  }

  /** A part is gone. */
  drop(name: string): void {
    const part = this.#parts.get(name)
    if (!part) return
    this.#sum -= part.bytes
    this.#parts.delete(name)
    this.#queues.get(part.lifetime)?.delete(part)
  }

  #add(part: Part): void {
    this.#sum += part.bytes
    this.#parts.set(part.name, part)
    const queue = this.#queues.get(part.lifetime) ?? new Queue()
    this.#queues.set(part.lifetime, queue.add(part))
    queue.until = part.until
    this.#next = Math.min(this.#next, part.until)
  }

  #expire(now: number): void {
    this.#next = Number.POSITIVE_INFINITY
    for (const [lifetime, queue] of this.#queues) {
      for (const part of queue) {
        if (part.until > now) {
          this.#next = Math.min(this.#next, part.until)
          break
        }
        this.drop(part.name)
      }
      if (queue.size === 0) this.#queues.delete(lifetime)
    }
  }
}

class Queue extends Set<Part> {
  /** When the part that was added last expires. */
  until = 0
}

interface Part {
  name: string
  bytes: number
  lifetime: number
  until: number
}
