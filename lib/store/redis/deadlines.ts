/** One timer for all that must be done within the same time: one for each command would cost as much as the command. */

export interface Deadline {
  /** It is done. False: too late. */
  met(): boolean
}

/** Where a timer is late by more than this part of its time, the process stood still. */
const STOOD_STILL = 0.1

interface Entry extends Deadline {
  due: number
  /** It has had its time twice. */
  again: boolean
  missed: (() => void) | undefined
}

export class Deadlines {
  readonly #ms: number
  /** In the order in which they are due, since all have the same time. */
  #queue: Entry[] = []
  #head = 0
  #timer: NodeJS.Timeout | undefined
  #timerDue = 0

  /** `ms`: how long each has. */
  constructor(ms: number) {
    this.#ms = ms
  }

  /**
   * Calls `missed` when the time has passed, unless it was {@link Deadline.met} before. While this process stands still
   * (it is frozen, or somebody computes) no time passes for what it waits for: it has its time once more afterwards.
   */
  add(missed: () => void): Deadline {
    const entry: Entry = { due: performance.now() + this.#ms, again: false, missed, met }
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
    // Timers come before what has arrived: the answers may be there, and have not been read.
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
