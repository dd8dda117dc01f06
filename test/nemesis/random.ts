/** Random numbers that a seed decides, so that a run can be repeated. */
import { numberOf, step } from '../support/mulberry32.ts'

export class Random {
  #state: number

  /** `name`: each part of a run draws from numbers of its own, so that none depends on the timing of another. */
  constructor(seed: number, name = '') {
    let state = seed >>> 0
    for (const char of name) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193) >>> 0
    this.#state = state
    // The first numbers of similar seeds are similar.
    for (let i = 0; i < 8; i++) this.next()
  }

  /** From 0 up to 1 (mulberry32). */
  next(): number {
    this.#state = step(this.#state)
    return numberOf(this.#state)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  /** A pause with this mean, in ms: short ones are more frequent than long ones. */
  pause(mean: number): number {
    return -Math.log(1 - this.next()) * mean
  }

  of<T>(items: readonly T[]): T {
    return items[Math.floor(this.next() * items.length)] as T
  }

  /** A key, by the weights. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const all = Object.entries(weights) as [K, number][]
    let left = this.next() * all.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [key, weight] of all) {
      left -= weight
      if (left < 0) return key
    }
    return (all.at(-1) as [K, number])[0]
  }
}
