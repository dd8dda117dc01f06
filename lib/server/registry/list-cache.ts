/** Lists that are ready to be sent. Their bytes have a bound: callers may see many sets of entries, and long lists. */
import type { RawJson } from '../../protocol/jsonrpc.ts'

/** The pages of one list for one revision and set of entries that a caller sees, by the position at which they begin. */
export type ListPages = ReadonlyMap<number, RawJson>

/** Characters of all lists that are kept. */
const MOST = 8 * 1024 * 1024

export class ListCache {
  readonly #most: number
  readonly #lists = new Map<string, ListPages>()
  #size = 0

  constructor(most = MOST) {
    this.#most = most
  }

  /** Characters of all lists, with something for each. */
  get size(): number {
    return this.#size
  }

  get(key: string): ListPages | undefined {
    return this.#lists.get(key)
  }

  /** Keeps a list, of any size, and as many of the others as fit beside it: the oldest go first. */
  set(key: string, pages: ListPages): void {
    this.delete(key)
    this.#lists.set(key, pages)
    this.#size += sizeOf(key, pages)
    for (const oldest of this.#lists.keys()) {
      if (this.#size <= this.#most || oldest === key) break
      this.delete(oldest)
    }
  }

  delete(key: string): void {
    const pages = this.#lists.get(key)
    if (pages && this.#lists.delete(key)) this.#size -= sizeOf(key, pages)
  }

  clear(): void {
    this.#lists.clear()
    this.#size = 0
  }
}

/** Each list counts with its key, and an empty one with something. */
function sizeOf(key: string, pages: ListPages): number {
  let size = 1_000 + key.length
  for (const { text } of pages.values()) size += text.length
  return size
}
