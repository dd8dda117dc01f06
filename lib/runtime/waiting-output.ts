/**
 * The output that waits for slow readers, in the sum of all responses. Each response reports what waits when it grows, since
 * nothing reports what a reader takes. Where the sum is over its bound, all are measured; if it still is, the response that
 * waits most, of the client whose responses wait most, loses its connection. A client that can resume does so.
 */

/** A response, as it reports its output. */
export interface Output {
  /** The name under which limits count its client; undefined: it has none. */
  readonly client: string | undefined
  /** Bytes that wait now. */
  waiting(): number
  /** Breaks the connection and drops what waits. */
  cut(): void
}

/** Responses with fewer waiting bytes are not counted. */
const UNCOUNTED = 16 * 1024

export class WaitingOutput {
  readonly #max: number
  readonly #bytes = new Map<Output, number>()
  #sum = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Bytes that wait now. */
  get used(): number {
    this.#measure()
    return this.#sum
  }

  /** Responses that are counted. */
  get responses(): number {
    return this.#bytes.size
  }

  /**
   * Counts a response with so many waiting bytes. A response that alone is over the bound does not count against the others,
   * as long as it is the only such one: otherwise its client could never read it, however fast. False: this one is cut.
   */
  report(output: Output, bytes: number): boolean {
    this.#set(output, bytes)
    if (this.#sum <= this.#max) return true
    this.#measure()
    while (this.#sum > this.#max) {
      const larger = this.#largerThanAll()
      if (larger && this.#sum - (this.#bytes.get(larger) ?? 0) <= this.#max) return true
      if (this.#cutOne(larger) === output) return false
    }
    return true
  }

  /** The response is counted, as it was last reported or measured. */
  counts(output: Output): boolean {
    return this.#bytes.has(output)
  }

  /** The response is over, or its reader has all of it. */
  remove(output: Output): void {
    const bytes = this.#bytes.get(output)
    if (bytes === undefined) return
    this.#sum -= bytes
    this.#bytes.delete(output)
  }

  #set(output: Output, bytes: number): void {
    if (bytes < UNCOUNTED) return this.remove(output)
    this.#sum += bytes - (this.#bytes.get(output) ?? 0)
    this.#bytes.set(output, bytes)
  }

  #measure(): void {
    for (const output of this.#bytes.keys()) this.#set(output, output.waiting())
  }

  /** The first response that alone is over the bound. */
  #largerThanAll(): Output | undefined {
    for (const [output, bytes] of this.#bytes) if (bytes > this.#max) return output
    return undefined
  }

  /** `spared`: the response that is not cut. */
  #cutOne(spared: Output | undefined): Output | undefined {
    const others = [...this.#bytes].filter(([output]) => output !== spared)
    const clients = new Map<unknown, number>()
    // A response whose client has no name is a client of its own.
    for (const [output, bytes] of others) {
      const name = output.client ?? output
      clients.set(name, (clients.get(name) ?? 0) + bytes)
    }
    const client = largest(clients)
    const output = largest(new Map(others.filter(([one]) => (one.client ?? one) === client)))
    if (!output) return undefined
    this.remove(output)
    output.cut()
    return output
  }
}

function largest<T>(sizes: ReadonlyMap<T, number>): T | undefined {
  let found: T | undefined
  let most = -1
  for (const [one, size] of sizes) {
    if (size <= most) continue
    most = size
    found = one
  }
  return found
}
