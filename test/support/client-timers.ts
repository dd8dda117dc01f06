/** The timers of the official clients, moved on by a test: their waits for a poll and the limits of their requests. */

interface Waiting {
  at: number
  ms: number
  run: () => void
}

const CLIENT = /@modelcontextprotocol[\\/](sdk|client)[\\/]/

export class ClientTimers {
  /** ms since the timers were installed. */
  now = 0
  /** How long the client wanted to wait, each time that a timer was set. */
  readonly delays: number[] = []
  readonly #waiting = new Set<Waiting>()
  readonly #restore: () => void

  /** From now on timers that are set by code of the official clients belong to this object. All others stay as they are. */
  constructor() {
    const { setTimeout, clearTimeout } = globalThis
    const set = (run: () => void, ms = 0, ...more: unknown[]) => {
      if (!CLIENT.test(new Error('where').stack ?? '')) return setTimeout(run, ms, ...(more as []))
      const waiting: Waiting = { at: this.now + ms, ms, run }
      this.#waiting.add(waiting)
      this.delays.push(ms)
      return waiting
    }
    const clear = (timer: unknown) => {
      if (!this.#waiting.delete(timer as Waiting)) clearTimeout(timer as NodeJS.Timeout)
    }
    globalThis.setTimeout = Object.assign(set, setTimeout) as unknown as typeof setTimeout
    globalThis.clearTimeout = clear as typeof clearTimeout
    this.#restore = () => Object.assign(globalThis, { setTimeout, clearTimeout })
  }

  get size(): number {
    return this.#waiting.size
  }

  /** ms until the first of them. */
  get next(): number {
    return Math.min(...[...this.#waiting].map(({ at }) => at)) - this.now
  }

  /** Time passes: what is due runs, in order. */
  advance(ms: number): void {
    const end = this.now + ms
    for (;;) {
      const [first] = [...this.#waiting].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
      if (!first) break
      this.now = Math.max(this.now, first.at)
      this.#waiting.delete(first)
      first.run()
    }
    this.now = end
  }

  restore(): void {
    this.#restore()
  }
}
