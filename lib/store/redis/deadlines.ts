/** One timer for all that must be done within the same time: one for each command would cost as much as the command. */

export interface Deadline {
  /** It is done. False: too late. */
  met(): boolean
}

interface Entry extends Deadline {
  due: number
  missed: (() => void) | undefined
}

export class Deadlines {
  readonly #ms: number
  /** In the order in which they are due, since all have the same time. */
  #queue: Entry[] = []
  #head = 0
  #timer: NodeJS.Timeout | undefined

  /** `ms`: how long each has. */
  constructor(ms: number) {
    this.#ms = ms
  }

  /** Calls `missed` when the time has passed, unless it was {@link Deadline.met} before. */
  add(missed: () => void): Deadline {
    const entry: Entry = { due: performance.now() + this.#ms, missed, met }
    // What is at the front and done is dropped by the way, so that the queue stays as short as what is under way.
    while (this.#head < this.#queue.length && this.#queue[this.#head]?.missed === undefined) this.#head++
    if (this.#head === this.#queue.length) {
      this.#queue = []
      this.#head = 0
    } else if (this.#head > 1_024) {
      this.#queue.splice(0, this.#head)
      this.#head = 0
    }
    this.#queue.push(entry)
    this.#timer ??= setTimeout(() => this.#check(), this.#ms)
    return entry
  }

  #check(): void {
    this.#timer = undefined
    const now = performance.now()
    for (; this.#head < this.#queue.length; this.#head++) {
      const entry = this.#queue[this.#head] as Entry
      if (entry.missed === undefined) continue
      if (entry.due > now) {
        this.#timer = setTimeout(() => this.#check(), Math.ceil(entry.due - now))
        return
      }
      const { missed } = entry
      entry.missed = undefined
      missed()
    }
  }
}

function met(this: Entry): boolean {
  if (this.missed === undefined) return false
  this.missed = undefined
  return true
}
