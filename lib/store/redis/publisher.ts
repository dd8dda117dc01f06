/** Adds to the list of changes. What an author publishes while a script is under way goes together in the next. */

/** Changes in one script. */
const MOST = 100

interface Batch {
  /** Changes that are equal are one: nobody has read either. */
  changes: Set<string>
  sent: Promise<void>
}

export class Publisher {
  readonly #send: (changes: string[]) => Promise<void>
  /** The batch that takes further changes. It begins when the one before has ended, so that the list has their order. */
  #open: Batch | undefined
  #last: Promise<unknown> | undefined

  constructor(send: (changes: string[]) => Promise<void>) {
    this.#send = send
  }

  /** Resolves when the list has the change. */
  publish(change: string): Promise<void> {
    const batch = this.#open ?? this.#begin()
    batch.changes.add(change)
    if (batch.changes.size >= MOST) this.#open = undefined
    return batch.sent
  }

  #begin(): Batch {
    const batch: Batch = { changes: new Set(), sent: Promise.resolve(this.#last).then(() => this.#sendOpen(batch)) }
    const ended = batch.sent.catch(() => {})
    this.#last = ended
    void ended.then(() => {
      if (this.#last === ended) this.#last = undefined
    })
    this.#open = batch
    return batch
  }

  #sendOpen(batch: Batch): Promise<void> {
    if (this.#open === batch) this.#open = undefined
    return this.#send([...batch.changes])
  }
}
