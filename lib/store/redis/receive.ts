/**
 * The waiting connection of an instance: one blocking read for its mailbox and for the list of changes. Each read goes on
 * after the entries of the one before, so nothing is lost between two reads or while the connection is broken. Where Redis
 * itself has lost entries, the receiver gets `resumed`.
 */
import { jitter } from '../../base/ids.ts'
import { busSlotOf, comparePositions, type Receiver, type Receiving } from '../bus.ts'
import type { Client } from './client.ts'
import { within } from './commands.ts'
import { list, readChange, streamEntries, text } from './scripts/decode.ts'
import type { Keys } from './scripts/keys.ts'
import type { Spread } from './spread.ts'
import { unavailable } from './trouble.ts'

/** How many entries one read returns of each stream. */
const BATCH = 200
const LONGEST_PAUSE = 500
/** From one read that brings changes to the next, in ms, where they come fast. Mail waits no longer than this for them. */
const CHANGES_PAUSE = 20

export interface WaitingOptions {
  makeClient: () => Client
  keys: Keys
  spread: Spread
  /** How long one read waits, in ms. */
  block: number
  /** How long Redis may take to answer a command that does not wait, in ms. */
  timeout: number
  onError: (error: unknown) => void
}

export class Waiting implements Receiving {
  readonly #options: WaitingOptions
  readonly #receiver: Receiver
  readonly #box: string
  /** 0: it waits for the list of changes itself, and else for a copy of it. */
  readonly #slot: number
  readonly #changes: string
  #client: Client
  #boxAt = '0-0'
  #changesAt = '0-0'
  #trimAt: string | undefined
  #stopped = false
  #lost = false
  #wakePause = () => {}
  #catchUp: NodeJS.Timeout | undefined
  /** Resolves when the pause after the last changes is over. */
  #calm: Promise<void> | undefined

  constructor(instance: string, receiver: Receiver, options: WaitingOptions) {
    this.#options = options
    this.#receiver = receiver
    this.#box = options.keys.box({ instance })
    this.#slot = busSlotOf(instance)
    this.#changes = this.#slot === 0 ? options.keys.changes() : options.keys.copy({ slot: this.#slot })
    this.#client = options.makeClient()
  }

  /**
   * Reads the newest position of the list of changes, and begins to wait.
   *
   * @throws StoreUnavailable
   */
  async start(): Promise<void> {
    try {
      const { spread, timeout } = this.#options
      if (this.#slot === 0) this.#changesAt = await within(timeout, this.#newest(this.#changes))
      else this.#changesAt = await spread.join(this.#slot, await spread.newest())
    } catch (error) {
      await this.stop()
      throw unavailable(error)
    }
    void this.#loop()
    if (this.#slot > 0 && !this.#stopped)
      this.#catchUp = setInterval(() => this.#catchUpCopy(), this.#options.block).unref()
  }

  /** A failure is tried again: the commands of this instance report whether Redis answers. */
  #catchUpCopy(): void {
    this.#options.spread.catchUp(this.#slot, this.#changesAt).catch(() => {})
  }

  /** Goes on with a new connection: the old one may be dead without having closed. */
  renew(): void {
    if (this.#stopped) return
    const old = this.#client
    this.#client = this.#options.makeClient()
    this.#lost = true
    old.disconnect()
    this.#wakePause()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#catchUp)
    this.#client.disconnect()
    this.#wakePause()
  }

  async #loop(): Promise<void> {
    let failures = 0
    while (!this.#stopped) {
      const client = this.#client
      try {
        if (this.#lost) await this.#resume()
        const changed = await this.#read(client)
        failures = 0
        if (!changed) continue
        // Each read costs Redis as much as the change that ends it: changes that come fast are read together.
        await this.#calm
        this.#calm = this.#pause(CHANGES_PAUSE)
      } catch {
        // Every failure is tried again: the commands of this instance report whether Redis answers.
        if (client === this.#client) await this.#pause(jitter(Math.min(10 * 2 ** failures++, LONGEST_PAUSE)))
        this.#lost = true
      }
    }
  }

  /** The connection is back. Redis may have lost its newest entries, and then gives their ids again. */
  async #resume(): Promise<void> {
    const [box, changes] = await Promise.all([this.#newest(this.#box), this.#newest(this.#changes)])
    if (comparePositions(this.#boxAt, box) > 0) this.#boxAt = '0-0'
    if (comparePositions(this.#changesAt, changes) > 0) this.#changesAt = changes
    this.#lost = false
    if (!this.#stopped) this.#hand(() => this.#receiver.resumed())
  }

  /** True where there were changes. */
  async #read(client: Client): Promise<boolean> {
    if (this.#trimAt !== undefined) {
      // Delivered mail is removed in the same round trip as the next read. A failure appears in that read.
      client.xtrim(this.#box, 'MINID', this.#trimAt).catch(() => {})
      this.#trimAt = undefined
    }
    const { block } = this.#options
    const streams = [this.#box, this.#changes, this.#boxAt, this.#changesAt] as const
    const reply = await client.xread('COUNT', BATCH, 'BLOCK', block, 'STREAMS', ...streams)
    if (this.#stopped || client !== this.#client) return false
    const read = new Map(list(reply ?? []).map((item) => [text(list(item)[0]), streamEntries(list(item)[1])]))
    const mail = read.get(this.#box) ?? []
    for (const { id, fields } of mail) {
      this.#boxAt = id
      if (fields[4] === 'l') this.#hand(() => this.#receiver.resumed())
      this.#hand(() => this.#receiver.mail(fields[1] ?? ''))
    }
    if (mail.length > 0) this.#trimAt = next(this.#boxAt)
    // More mail may be waiting that was sent before these changes: the changes are read again after it.
    const changes = mail.length === BATCH ? [] : (read.get(this.#changes) ?? [])
    for (const { id, fields } of changes) {
      // The copy was lost, and begins with what stands for all that was in it.
      const entries = fields[0] === 's' ? await this.#options.spread.after(this.#changesAt, id) : [{ id, fields }]
      for (const entry of entries) this.#change(entry.id, entry.fields)
      this.#changesAt = id
    }
    return changes.length > 0
  }

  #change(at: string, fields: string[]): void {
    this.#changesAt = at
    this.#hand(() => this.#receiver.change({ at, change: readChange(fields) }))
  }

  #hand(hand: () => void): void {
    if (this.#stopped) return
    try {
      hand()
    } catch (error) {
      this.#options.onError(error)
    }
  }

  /** The newest id that a stream has given, also where its entry is gone. */
  async #newest(key: string): Promise<string> {
    try {
      const info = list(await this.#client.xinfo('STREAM', key))
      return text(info[info.indexOf('last-generated-id') + 1])
    } catch (error) {
      if (error instanceof Error && error.message.includes('no such key')) return '0-0'
      throw error
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wakePause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function next(id: string): string {
  const [ms, seq] = id.split('-')
  return `${ms}-${Number(seq) + 1}`
}
