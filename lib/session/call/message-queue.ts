/** The messages of a call that wait for the log, with their length. */

import type { Append, DurableAsk } from '../../store/store.ts'

export interface Item {
  data: string
  /** The ask that it carries. */
  ask?: string | DurableAsk | undefined
  final: boolean
  /** Its ordinal among the messages of the handler, where it has one. */
  say?: number | undefined
}

const BATCH_MESSAGES = 64
const BATCH_BYTES = 256 * 1024

export class MessageQueue {
  #items: Item[] = []
  /** Characters of its messages. */
  #size = 0
  /** The ordinal of the last message that was removed and has one. */
  said: number | undefined

  get length(): number {
    return this.#items.length
  }
  get size(): number {
    return this.#size
  }

  push(item: Item): void {
    this.#items.push(item)
    this.#size += item.data.length
  }

  unshift(item: Item): void {
    this.#items.unshift(item)
    this.#size += item.data.length
  }

  /** The first messages, for one append. They stay. */
  batch(): Item[] {
    let bytes = 0
    let count = 0
    for (const item of this.#items) {
      bytes += item.data.length
      if (count > 0 && (bytes > BATCH_BYTES || count >= BATCH_MESSAGES)) break
      count++
    }
    return this.#items.slice(0, count)
  }

  /** Removes the first messages, which the log has. */
  remove(count: number): void {
    for (const { data, say } of this.#items.splice(0, count)) {
      this.#size -= data.length
      if (say !== undefined) this.said = say
    }
  }

  /**
   * Drops the last messages beyond a bound, which a handler should have waited for: a log that is written at once must hold
   * all that its reader lacks. An append that is under way has the first messages.
   */
  shorten(messages: number, size: number): void {
    while (this.#items.length > BATCH_MESSAGES && (this.#items.length > messages || this.#size > size)) {
      this.#size -= this.#items.pop()?.data.length ?? 0
    }
  }

  clear(): void {
    this.#items = []
    this.#size = 0
  }
}

/** The name of the last message that is relayed for a call: its response, or the error that it is given up with. The first one counts. */
export const lastOf = (stream: string): string => `last.${stream}`

/** What the journal of a durable call has of its messages. */
export function journaled(batch: Item[]): Pick<Append, 'durable' | 'said' | 'durableAsks'> {
  const said = batch.findLast(({ say }) => say !== undefined)?.say
  return { durable: true, said, durableAsks: batch.flatMap(({ ask }) => (typeof ask === 'object' ? ask : [])) }
}
