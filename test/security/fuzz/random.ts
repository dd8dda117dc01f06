import { numberOf, step } from '../../support/mulberry32.ts'

/** Random choices that are the same for the same seed and number. */
export class Random {
  #state: number

  /** @param index the number of the input: each input can be made again without those before it */
  constructor(seed: number, index: number) {
    this.#state = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0
    this.next()
  }

  /** From 0 up to, and without, 1 (mulberry32). */
  next(): number {
    this.#state = step(this.#state)
    return numberOf(this.#state)
  }

  /** From 0 up to, and without, `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end)
  }

  chance(share: number): boolean {
    return this.next() < share
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  /** Picks by weight. */
  weighted<T>(items: readonly (readonly [weight: number, item: T])[]): T {
    let left = this.next() * items.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, item] of items) {
      left -= weight
      if (left < 0) return item
    }
    return (items.at(-1) as readonly [number, T])[1]
  }
}
