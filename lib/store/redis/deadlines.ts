/** A single timer for the deadlines of all commands: a timer for each would cost as much as the command. */

interface Deadline {
  /** The command is done; false where it is too late. */
  met(): boolean
}

/** A timer that is late by more than this part of its time means that the process stood still. */
const STOOD_STILL = 0.1

interface Entry extends Deadline {
  due: number
  /** True once the time was given a second time. */
  again: boolean
  missed: (() => void) | undefined
}

export class Deadlines {
  readonly #ms: number
  /** In the order in which they are due, because all have the same time. */
  #queue: Entry[] = []
  #head = 0
  #timer: NodeJS.Timeout | undefined
  #timerDue = 0

  /** `ms`: the time that each has. */
  constructor(ms: number) {
    this.#ms = ms
  }

  /**
   * Calls `missed` when the time has passed, unless {@link Deadline.met} was called before. Where this process stood still
   * (it was frozen, or code blocked it), its deadlines begin once more afterwards.
   */
  add(missed: () => void): Deadline {
    const entry: Entry = { due: performance.now() + this.#ms, again: false, missed, met }
    // Deadlines at the front that were met are dropped here, so that the queue has about as many as commands are under way.
    while (this.#head < this.#queue.length && this.#queue[this.#head]?.missed === undefined) this.#head++
    if (this.#head === this.#queue.length) {
      this.#queue = []
      this.#head = 0
    } else if (this.#head > 1_024) {
      this.#queue.splice(0, this.#head)
      this.#head = 0
    }
    this.#queue.push(entry)
    if (this.#timer === undefined) this.#wait(entry.due, this.#ms)
    return entry
  }

  #wait(due: number, ms: number): void {
    this.#timerDue = due
    this.#timer = setTimeout(() => this.#check(), ms)
  }

  #check(): void {
    this.#timer = undefined
    const now = performance.now()
    // Node runs timers before it reads sockets: the replies may have arrived and are not read yet.
    const stoodStill = now - this.#timerDue > this.#ms * STOOD_STILL
    for (; this.#head < this.#queue.length; this.#head++) {
      const entry = this.#queue[this.#head] as Entry
      if (entry.missed === undefined) continue
      if (entry.due > now) return this.#wait(entry.due, Math.ceil(entry.due - now))
      if (stoodStill && !entry.again) {
        entry.again = true
        entry.due = now + this.#ms
        this.#queue.push(entry)
        continue
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
