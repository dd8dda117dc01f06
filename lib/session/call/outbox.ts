/**
 * The way out of a call: a queue of messages for one stream. Each is appended to the log first and sent afterwards;
 * what waits while an append is under way goes together in the next one. The handler does not wait for any of it,
 * unless the queue is over its bound.
 */
import { randomId } from '../../base/ids.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { Append, AppendReply, Holder, Owner, Registration } from '../../store/store.ts'
import { StoreUnavailable } from '../../store/store.ts'
import type { Session } from '../stream/session.ts'

interface Item {
  data: string
  ask?: string | undefined
  final: boolean
}

/** What becomes of a call that cannot go on. */
export type Ending = 'lost' | 'cancelled' | 'taken' | 'full' | 'gone' | 'unreachable'

export interface OutboxOptions {
  stream: string
  owner: Owner
  /** Registers the call with its first append; absent where it is registered already. */
  register?: Registration | undefined
  /** The number of the first message. */
  from: number
  /** The asks of the call, to be forgotten with its last message. */
  asks: () => string[]
  onEnding: (ending: Ending) => void
  /** The store knows the call and its holder. Before anything is sent. */
  onRegistered: () => void
  /** The last message is in the log and on its way. */
  onDone: () => void
  onLevel: (level: string | undefined) => void
  /** Where no connection holds the stream: HTTP+SSE calls speak through the session's one stream. */
  relay?: ((data: string, id: string) => Promise<void>) | undefined
}

const BATCH_MESSAGES = 64
const BATCH_BYTES = 256 * 1024

export class Outbox {
  readonly #instance: Instance
  readonly #session: Session
  readonly #options: OutboxOptions
  #register: Registration | undefined
  #queue: Item[] = []
  #bytes = 0
  #next: number
  #tag = randomId(3)
  #running = false
  #closed = false
  #complete = false
  #holder: Holder | undefined
  #drained: (() => void)[] = []
  /** Waits for room. */
  #room: (() => void)[] = []

  constructor(instance: Instance, session: Session, options: OutboxOptions) {
    this.#instance = instance
    this.#session = session
    this.#options = options
    this.#register = options.register
    this.#next = options.from
  }

  /** Who holds the stream, as the store last said. */
  get holder(): Holder | undefined {
    return this.#holder
  }

  /** The call is registered, by the first append or otherwise. */
  markRegistered(): void {
    if (!this.#register) return
    this.#register = undefined
    this.#options.onRegistered()
  }

  /** Something is queued or on its way. */
  get busy(): boolean {
    return this.#running || this.#queue.length > 0
  }

  get full(): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.#instance.options
    return this.#queue.length >= maxQueuedMessages || this.#bytes >= maxQueuedBytes
  }

  /** Queues a message. The promise resolves at once, or when there is room again. */
  push(data: string, ask?: string, final = false): Promise<void> {
    if (this.#closed || this.#complete) return Promise.resolve()
    // The first last message counts: a handler that is aborted while its call fails for it has its say no more.
    this.#complete = final
    this.#queue.push({ data, ask, final })
    this.#bytes += data.length
    this.#start()
    return this.full ? new Promise((resolve) => this.#room.push(resolve)) : Promise.resolve()
  }

  /** Resolves when everything queued so far is in the log and on its way, or will never be. */
  flushed(): Promise<void> {
    if (!this.busy) return Promise.resolve()
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  /** Nothing more goes out. */
  close(): void {
    this.#closed = true
    this.#queue = []
    this.#bytes = 0
    this.#wake()
  }

  #start(): void {
    if (this.#running) return
    this.#running = true
    // After all microtasks, so that what a handler says in one go, awaiting nothing else, shares one append.
    process.nextTick(() => {
      this.#run()
        .catch((error) => this.#instance.report(error))
        .finally(() => {
          this.#running = false
          if (this.#queue.length > 0 && !this.#closed) this.#start()
          else this.#wake()
        })
    })
  }

  #wake(): void {
    for (const wake of this.#room.splice(0)) wake()
    if (this.#queue.length === 0) for (const wake of this.#drained.splice(0)) wake()
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 && !this.#closed) {
      const batch = this.#batch()
      const reply = await this.#append(batch)
      if (this.#closed || !reply) return
      if (reply.level !== undefined) this.#options.onLevel(reply.level)
      if (reply.status === 'gap') {
        // The store lost entries that it had confirmed (a failover). The numbers are given again under a new tag, so
        // that a client that saw the old ones is told.
        this.#next = reply.end + 1
        this.#tag = randomId(3)
        continue
      }
      if (reply.status !== 'ok') {
        this.close()
        this.#options.onEnding(reply.status)
        return
      }
      this.markRegistered()
      this.#holder = reply.holder
      const n = this.#next
      this.#next += batch.length
      this.#queue.splice(0, batch.length)
      for (const item of batch) this.#bytes -= item.data.length
      await this.#send(n, batch)
      if (batch.at(-1)?.final) {
        this.close()
        this.#options.onDone()
      }
      if (!this.full) for (const wake of this.#room.splice(0)) wake()
    }
  }

  #batch(): Item[] {
    let bytes = 0
    let count = 0
    for (const item of this.#queue) {
      bytes += item.data.length
      if (count > 0 && (bytes > BATCH_BYTES || count >= BATCH_MESSAGES)) break
      count++
    }
    return this.#queue.slice(0, count)
  }

  async #append(batch: Item[]): Promise<AppendReply | undefined> {
    const final = batch.at(-1)?.final === true
    const append: Append = {
      stream: this.#options.stream,
      owner: this.#options.owner,
      from: this.#next,
      messages: batch.map((item) => item.data),
      tag: this.#tag,
      final,
      register: this.#register,
      asks: batch.flatMap((item) => item.ask ?? []),
      forget: final ? this.#options.asks() : undefined,
    }
    return this.#patiently(async () => {
      if (this.#register) await this.#instance.attend()
      return this.#instance.store.append(this.#session.key, append)
    })
  }

  /** Tries until the store has done it, the queue is closed, or patience ends: then the call ends too. */
  async #patiently<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { clock, options } = this.#instance
    const deadline = clock.now() + options.storePatience
    for (let wait = 50; ; wait = Math.min(wait * 2, 1_000)) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || clock.now() > deadline) {
          this.#instance.report(error)
          this.close()
          this.#options.onEnding('unreachable')
          return undefined
        }
      }
      await new Promise<void>((resolve) => void clock.after(wait, resolve))
      if (this.#closed) return undefined
    }
  }

  async #send(n: number, batch: Item[]): Promise<void> {
    const holder = this.#holder
    const final = batch.at(-1)?.final === true
    const { relay } = this.#options
    if (relay) {
      for (const [i, item] of batch.entries()) {
        await this.#patiently(async () => relay(item.data, `${this.#options.stream}.${n + i}`))
      }
    } else if (holder !== undefined) {
      this.#instance.tell({ t: 'entries', to: holder, n, tag: this.#tag, data: batch.map((item) => item.data), final })
    }
  }
}
