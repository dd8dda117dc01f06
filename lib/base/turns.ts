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
  run<T>(work: () => Promise<T>): Promise<T> {
    // Work that ends hands its place over.
    if (this.#running >= this.#most) {
      return new Promise<void>((resolve) => this.#waiting.push(resolve)).then(() => this.#begin(work))
    }
    this.#running++
    return this.#begin(work)
  }

  #begin<T>(work: () => Promise<T>): Promise<T> {
    const done = work()
    done.then(this.#next, this.#next)
    return done
  }

  readonly #next = (): void => {
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
