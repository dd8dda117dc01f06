/** Bounds how much work of one kind is under way at once. The rest waits, in order. */
export class Turns {
  readonly #most: number
  #running = 0
  #waiting: (() => void)[] = []
  #head = 0

  /** `most`: how much work may be under way at once. */
  constructor(most: number) {
    this.#most = most
  }

  /** Begins `work` when its turn has come. Resolves or rejects as it does. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#most) this.#running++
    // Work that ends hands its place over.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      this.#next()
    }
  }

  #next(): void {
    const next = this.#waiting[this.#head]
    if (next) {
      this.#head++
      return next()
    }
    this.#running--
    this.#waiting = []
    this.#head = 0
  }
}
