/**
 * The slots of the bus. All changes are in one list, in which sessions have their positions. Where a cluster has several slots
 * for the bus, an instance has its mailbox in one of them, and waits there for a copy of the list: what it costs to wake many
 * instances is spread over the nodes.
 *
 * A copy has the entries of the list with their ids, in order and without a gap: who adds to it says which entry comes before,
 * and where that is missing copies from the list. So it does not matter who copies, how often, and what two of them do at once.
 */
import type { Commands } from './commands.ts'
import * as scripts from './scripts/bus.ts'
import { streamEntries } from './scripts/decode.ts'

export class Spread {
  readonly #commands: Commands
  readonly #slots: number
  readonly #onError: (error: unknown) => void

  constructor(commands: Commands, slots: number, onError: (error: unknown) => void) {
    this.#commands = commands
    this.#slots = slots
    this.#onError = onError
  }

  /** Adds to the list, then to each copy. A copy that does not get it now has it with the next change or {@link catchUp}. */
  async publish(added: string[]): Promise<void> {
    if (this.#slots === 1) return this.#commands.script(scripts.publish, { added })
    const [before = '', ...ids] = await this.#commands.script(scripts.publishToCopies, { added })
    const copies = Array.from({ length: this.#slots - 1 }, (_, i) => this.#add(i + 1, before, ids, added))
    for (const copy of await Promise.allSettled(copies)) if (copy.status === 'rejected') this.#onError(copy.reason)
  }

  /**
   * Makes sure that the slot has a copy that goes on after `at`, or after some later entry of the list.
   * @returns the newest id of the copy
   */
  async join(slot: number, at: string): Promise<string> {
    return this.#commands.script(scripts.beginCopy, { slot, at })
  }

  /** Adds to the copy what it lacks: a build before adds to the list only, and so does an instance that dies meanwhile. */
  async catchUp(slot: number, at: string): Promise<void> {
    await this.#copy(slot, await this.join(slot, at))
  }

  /** The newest id of the list. */
  newest(): Promise<string> {
    const { keys } = this.#commands
    return this.#commands.run(
      'xrevrange',
      (client) => client.xrevrange(keys.changes(), '+', '-', 'COUNT', 1),
      (reply) => streamEntries(reply)[0]?.id ?? '0-0',
    )
  }

  /** What the list has behind `at`, up to `to`. */
  after(at: string, to = '+') {
    const { keys } = this.#commands
    return this.#commands.run('xrange', (client) => client.xrange(keys.changes(), `(${at}`, to), streamEntries)
  }

  async #add(slot: number, before: string, ids: string[], added: string[]): Promise<void> {
    const last = await this.#commands.script(scripts.addToCopy, { slot, before, ids, added })
    if (last !== undefined) await this.#copy(slot, last)
  }

  async #copy(slot: number, last: string): Promise<void> {
    const entries = await this.after(last)
    if (entries.length === 0) return
    const ids = entries.map(({ id }) => id)
    const added = entries.map(({ fields }) => fields[1] ?? '')
    await this.#commands.script(scripts.addToCopy, { slot, before: last, ids, added })
  }
}
