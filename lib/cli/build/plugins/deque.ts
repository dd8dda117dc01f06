/**
 * The queue of the Redis client's commands: the part of `denque` that the client uses, at a tenth of its size. A bundle gets
 * the text of this class, so that it uses nothing outside.
 */
export class Deque<T> {
  readonly #items: (T | undefined)[] = []
  /** Where the first item is. */
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  unshift(item: T): void {
    if (this.#head > 0) this.#items[--this.#head] = item
    else this.#items.unshift(item)
  }

  shift(): T | undefined {
    const items = this.#items
    if (this.#head === items.length) return undefined
    const item = items[this.#head]
    items[this.#head++] = undefined
    if (this.#head === items.length) {
      items.length = 0
      this.#head = 0
    } else if (this.#head === 1_024) {
      items.splice(0, 1_024)
      this.#head = 0
    }
    return item
  }

  peekFront(): T | undefined {
    return this.#items[this.#head]
  }

  peekAt(index: number): T | undefined {
    return this.#items[this.#head + index]
  }

  remove(index: number, count: number): (T | undefined)[] {
    return this.#items.splice(this.#head + index, count)
  }
}
