/**
 * The queue of messages between a call and the log of its stream. Each message is appended to the log first and sent to
 * the holder afterwards; messages that wait while an append is under way go together in the next one. The handler waits
 * only while the queue is over its bound.
 */
import { jitter, randomId } from '../../base/ids.ts'
import type { Instance } from '../../runtime/instance.ts'
import { type AppendReply, type Holder, type Owner, type Registration, StoreUnavailable } from '../../store/store.ts'
import { missedText } from '../stream/missed.ts'
import type { Session } from '../stream/session.ts'
import { registering } from './orphans.ts'
import type { Ending } from './state.ts'

interface Item {
  data: string
  ask?: string | undefined
  final: boolean
}

interface OutboxOptions {
  stream: string
  owner: Owner
  /** Registers the call with its first append; absent where it is registered already. */
  register?: Registration | undefined
  /** The request that registers the call, where one is under way. */
  registration: () => Promise<void> | undefined
  /** The number of the first message. */
  from: number
  /** The asks of the call, to be forgotten with its last message. */
  asks: () => string[]
  /** `trouble`: of the store, where it is unreachable. */
  onEnding: (ending: Ending, trouble?: StoreUnavailable) => void
  /** The store has registered the call, and names its holder. Called before anything is sent. */
  onRegistered: () => void
  /** The last message is in the log and on its way. */
  onDone: () => void
  onLevel: (level: string | undefined) => void
  /** So many bytes the session keeps in the store. */
  onHeld: (bytes: number) => void
  /** HTTP+SSE: puts a message on the session's one stream, in place of a holder of this one. */
  relay?: ((data: string, id: string) => Promise<void>) | undefined
}

const MISSED = missedText()
const BATCH_MESSAGES = 64
/** How long a message waits for the end of a trouble that does not pass in a moment, in ms. */
const LASTING_PATIENCE = 2_000
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
  /** Numbers were given again, so that they alone do not name a relayed message. */
  /** What the ids of the session's one stream (HTTP+SSE) end in. */
  #suffix = ''
  #running = false
  /** complete: the last message is queued. closed: nothing more goes out. */
  #phase: 'open' | 'complete' | 'closed' = 'open'
  #holder: Holder | undefined
  #drained: (() => void)[] = []
  /** Pushes that wait for room. */
  #room: (() => void)[] = []

  constructor(instance: Instance, session: Session, options: OutboxOptions) {
    this.#instance = instance
    this.#session = session
    this.#options = options
    this.#register = options.register
    this.#next = options.from
  }

  /** The holder of the stream, as the store last named it. */
  get holder(): Holder | undefined {
    return this.#holder
  }

  /** The store has the call: no append needs to register it. */
  registered(): void {
    this.#register = undefined
  }

  /** A message is queued, or on its way to the log. */
  get busy(): boolean {
    return this.#running || this.#queue.length > 0
  }

  /** The last message is queued, or on its way: the store forgets the call with it. */
  get ending(): boolean {
    return this.#phase === 'complete'
  }

  get #isClosed(): boolean {
    return this.#phase === 'closed'
  }

  get full(): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.#instance.options
    return this.#queue.length >= maxQueuedMessages || this.#bytes >= maxQueuedBytes
  }

  /** Queues a message. The promise resolves at once, or when there is room again. */
  push(data: string, ask?: string, final = false): Promise<void> {
    // The first last message counts: a handler may still send while its call fails.
    if (this.#phase !== 'open') return Promise.resolve()
    if (final) this.#phase = 'complete'
    this.#queue.push({ data, ask, final })
    this.#bytes += data.length
    this.#start()
    return this.full ? new Promise((resolve) => this.#room.push(resolve)) : Promise.resolve()
  }

  /** Resolves when everything queued so far is in the log and on its way, or never will be. */
  flushed(): Promise<void> {
    if (!this.busy) return Promise.resolve()
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  /** Nothing more goes out. */
  close(): void {
    this.#phase = 'closed'
    this.#queue = []
    this.#bytes = 0
    this.#wake()
  }

  #start(): void {
    if (this.#running) return
    this.#running = true
    // After all microtasks, so that messages that a handler sends without awaiting anything else share one append.
    process.nextTick(() => {
      this.#run()
        .catch((error) => this.#instance.report(error))
        .finally(() => {
          this.#running = false
          if (this.#queue.length > 0 && !this.#isClosed) this.#start()
          else this.#wake()
        })
    })
  }

  #wake(): void {
    for (const wake of this.#room.splice(0)) wake()
    if (this.#queue.length === 0) for (const wake of this.#drained.splice(0)) wake()
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 && !this.#isClosed) {
      const batch = this.#batch()
      const reply = await this.#append(batch)
      if (this.#isClosed || !reply) return
      this.#options.onLevel(reply.level)
      this.#options.onHeld(reply.held)
      if (reply.status === 'gap') {
        // The store lost entries that it had confirmed (a failover). The numbers are given again under a new tag, so
        // that a client that saw the old ones is told. A client that did not see them gets a warning in their place.
        this.#next = reply.end + 1
        this.#tag = randomId(3)
        this.#suffix = `.${this.#tag}`
        this.#queue.unshift({ data: MISSED, final: false })
        this.#bytes += MISSED.length
        continue
      }
      if (reply.status !== 'ok') {
        this.close()
        this.#options.onEnding(reply.status)
        return
      }
      if (this.#register) {
        this.registered()
        this.#options.onRegistered()
      }
      this.#holder = reply.holder
      const n = this.#next
      this.#next += batch.length
      this.#queue.splice(0, batch.length)
      for (const item of batch) this.#bytes -= item.data.length
      await this.#send(n, batch)
      if (batch.at(-1)?.final && !this.#isClosed) {
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
    const append = {
      stream: this.#options.stream,
      owner: this.#options.owner,
      from: this.#next,
      messages: batch.map((item) => item.data),
      tag: this.#tag,
      final,
      asks: batch.flatMap((item) => item.ask ?? []),
      forget: final ? this.#options.asks() : undefined,
    }
    const { key } = this.#session
    return this.#patiently(async () => {
      // Were both sent at once, a registration that the client library repeats would meet a call that has ended.
      if (this.#register) await this.#options.registration()
      if (this.#isClosed) return undefined
      const register = this.#register
      if (!register) return this.#instance.store.append(key, append)
      const store = await this.#instance.attend()
      return registering(this.#instance, this.#session, register.id, () => store.append(key, { ...append, register }))
    })
  }

  /**
   * Tries until the store has done the work, the queue is closed, or `storePatience` is over: then the call ends too. A
   * trouble that does not pass in a moment, such as a full store, gets a moment only.
   */
  async #patiently<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { clock, options } = this.#instance
    const since = clock.now()
    for (let wait = 50; ; wait = Math.min(wait * 2, 1_000)) {
      try {
        return await work()
      } catch (error) {
        const trouble = error instanceof StoreUnavailable ? error : undefined
        const patience = trouble?.lasting ? Math.min(LASTING_PATIENCE, options.storePatience) : options.storePatience
        if (!trouble || clock.now() - since > patience) {
          this.#instance.report(error)
          this.close()
          this.#options.onEnding('unreachable', trouble)
          return undefined
        }
      }
      await new Promise<void>((resolve) => void clock.after(jitter(wait), resolve))
      if (this.#isClosed) return undefined
    }
  }

  async #send(n: number, batch: Item[]): Promise<void> {
    const holder = this.#holder
    const final = batch.at(-1)?.final === true
    const { relay } = this.#options
    if (relay) {
      for (const [i, item] of batch.entries()) {
        const id = `${this.#options.stream}.${n + i}${this.#suffix}`
        await this.#patiently(async () => relay(item.data, id))
      }
    } else if (holder !== undefined) {
      void this.#instance.send({
        t: 'entries',
        to: holder,
        n,
        tag: this.#tag,
        data: batch.map((item) => item.data),
        final,
      })
    }
  }
}
