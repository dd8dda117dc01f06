/** Values of labels, of which there are so many at most. */
import { OTHER } from './names.ts'

export class Bounded {
  readonly #values: Set<string>
  #room: number

  /** @param values those that need no room */
  constructor(room: number, values: Iterable<string> = []) {
    this.#values = new Set(values)
    this.#room = room
  }

  has(value: string): boolean {
    return this.#values.has(value)
  }

  /** The value, where it is one of them or becomes one; another one in its place. */
  label(value: string): string {
    if (this.#values.has(value)) return value
    if (this.#room === 0) return OTHER
    this.#room--
    this.#values.add(value)
    return value
  }
}
