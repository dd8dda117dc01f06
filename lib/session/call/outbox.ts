/**
 * The queue of messages between a call and the log of its stream. Each message is appended to the log first and sent to
 * the holder afterwards; messages that wait while an append is under way go together in the next one. The handler waits
 * only while the queue is over its bound.
 */
import { randomId } from '../../base/ids.ts'
import { MAX_UNSENT } from '../../runtime/error-text.ts'
import type { Instance } from '../../runtime/instance.ts'
import { tokenOf } from '../../runtime/name.ts'
import type { AppendReply, DurableAsk, Holder, Owner, Registration, StoreUnavailable } from '../../store/store.ts'
import { missedText } from '../stream/missed.ts'
import type { Session } from '../stream/session.ts'
import { type Item, journaled, lastOf, MessageQueue } from './message-queue.ts'
import { type Patient, patiently } from './patiently.ts'
import type { Ending } from './state.ts'

/** Puts a message on the one stream of a session of HTTP+SSE, whose holder it returns. Two with one id are one message. */
export type Relay = (data: string, id: string) => Promise<Holder | undefined>

interface OutboxOptions {
  stream: string
  owner: () => Owner
  /** True where the call is another run's by another name of its own, which `owner` has from now on. */
  renamed: (owner: Owner) => Promise<boolean>
  /** The call has a journal. */
  durable: () => boolean
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
  /** More waits than may: the handler does not wait for its messages. */
  onOverflow: () => void
  onLevel: (level: string | undefined) => void
  /** What the session keeps in the store. */
  onKept: (reply: AppendReply) => void
  /** HTTP+SSE: puts a message on the session's one stream, in place of a holder of this one. */
  relay?: Relay | undefined
}

const MISSED = missedText()

export class Outbox implements Patient {
  readonly #instance: Instance
  readonly #session: Session
  readonly #options: OutboxOptions
  #register: Registration | undefined
  readonly #queue = new MessageQueue()
  #next: number
  #tag = randomId(3)
  /** Ends the names of relayed messages: after a failover their numbers alone do not name them. */
  #suffix = ''
  #running = false
  /** complete: the last message is queued. closed: nothing more goes out. */
  #phase: 'open' | 'complete' | 'closed' = 'open'
  #holder: Holder | undefined
  /** Who waits until the messages before a number are on their way. */
  #flushing: { before: number; wake: () => void }[] = []
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

  /** The ordinal of the handler's last message that the log has. */
  get said(): number | undefined {
    return this.#queue.said
  }

  get isClosed(): boolean {
    return this.#phase === 'closed'
  }
  get full(): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.#instance.options
    return this.#queue.length >= maxQueuedMessages || this.#queue.size >= maxQueuedBytes
  }

  giveUp(trouble: StoreUnavailable | undefined): void {
    this.close()
    this.#options.onEnding('unreachable', trouble)
  }

  /** What is queued stays here while the store is asked whether the run goes on. */
  hold(held: boolean): void {
    this.#held = held
    if (this.#queue.length > 0) this.#start()
  }
  #held = false

  /** Queues a message. The promise resolves at once, or when there is room again. */
  push(data: string, ask?: string | DurableAsk, final = false, say?: number): Promise<void> {
    // The first last message counts: a handler may still send while its call fails.
    if (this.#phase !== 'open') return Promise.resolve()
    if (!final && this.#queue.size + data.length > MAX_UNSENT) {
      const { maxQueuedMessages, maxQueuedBytes } = this.#instance.options
      this.#queue.shorten(maxQueuedMessages, maxQueuedBytes)
      this.#options.onOverflow()
      return Promise.resolve()
    }
    if (final) {
      this.#phase = 'complete'
      // The log takes the rest at once, and the connection reads it from there.
      this.#goOn?.()
    }
    this.#queue.push({ data, ask, final, say })
    this.#start()
    return this.full ? new Promise((resolve) => this.#room.push(resolve)) : Promise.resolve()
  }

  /** Resolves when everything queued so far is in the log and on its way, or never will be. More may be queued meanwhile. */
  flushed(): Promise<void> {
    if (!this.busy) return Promise.resolve()
    // The log takes the messages at once, and a slow reader has them from there.
    this.#goOn?.()
    return new Promise((wake) => this.#flushing.push({ before: this.#next + this.#queue.length, wake }))
  }

  /** Nothing more goes out. */
  close(): void {
    this.#phase = 'closed'
    this.#queue.clear()
    this.#goOn?.()
    this.#wake()
  }

  #start(): void {
    if (this.#running || this.#held) return
    this.#running = true
    // After all microtasks, so that messages that a handler sends without awaiting anything else share one append.
    process.nextTick(() => {
      this.#run()
        .catch((error) => this.#instance.report(error))
        .finally(() => {
          this.#running = false
          if (this.#queue.length > 0 && !this.isClosed) this.#start()
          else this.#wake()
        })
    })
  }

  #wake(): void {
    for (const wake of this.#room.splice(0)) wake()
    if (this.#queue.length === 0) this.#wakeFlushed(Number.POSITIVE_INFINITY)
  }

  /** The messages before the number `end` are on their way. */
  #wakeFlushed(end: number): void {
    if (this.#flushing.length === 0) return
    const flushed = this.#flushing.filter(({ before }) => before <= end)
    this.#flushing = this.#flushing.filter(({ before }) => before > end)
    for (const { wake } of flushed) wake()
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 && !this.isClosed) {
      const batch = this.#queue.batch()
      const owner = this.#options.owner()
      const reply = await this.#append(batch, owner)
      if (this.isClosed || !reply) return
      this.#options.onLevel(reply.level)
      this.#options.onKept(reply)
      if (reply.status === 'gap') {
        // The store lost entries that it had confirmed (a failover). The numbers are given again under a new tag, so
        // that a client that saw the old ones is told. A client that did not see them gets a warning in their place.
        const lost = this.#next - (reply.end + 1)
        for (const waiting of this.#flushing) waiting.before += 1 - lost
        this.#next = reply.end + 1
        this.#tag = randomId(3)
        this.#suffix = `.${this.#tag}`
        this.#queue.unshift({ data: MISSED, final: false })
        continue
      }
      if (reply.status === 'lost' && (await this.#options.renamed(owner))) continue
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
      this.#queue.remove(batch.length)
      const sent = this.#send(n, batch)
      const reader = sent instanceof Promise ? await sent : sent
      if (batch.at(-1)?.final && !this.isClosed) {
        this.close()
        this.#options.onDone()
      }
      this.#wakeFlushed(n + batch.length)
      const room = reader === undefined ? undefined : this.#roomOf(reader)
      if (room) await this.#waitFor(room)
      if (!this.full) for (const wake of this.#room.splice(0)) wake()
    }
  }

  /** A promise while much waits for the reader of the stream. */
  #roomOf(reader: Holder): Promise<void> | undefined {
    const goesOn = this.#phase !== 'open' || this.#flushing.length > 0
    return goesOn ? undefined : this.#instance.connections.get(tokenOf(reader))?.room
  }

  /** Waits until the reader has caught up, so that the queue fills and the handler waits too. */
  async #waitFor(room: Promise<void>): Promise<void> {
    await Promise.race([room, new Promise<void>((resolve) => (this.#goOn = resolve))])
    this.#goOn = undefined
  }
  #goOn: (() => void) | undefined

  async #append(batch: Item[], owner: Owner): Promise<AppendReply | undefined> {
    const final = batch.at(-1)?.final === true
    const append = {
      stream: this.#options.stream,
      owner,
      from: this.#next,
      messages: batch.map((item) => item.data),
      tag: this.#tag,
      final,
      asks: batch.flatMap(({ ask }) => (typeof ask === 'string' ? ask : [])),
      forget: final ? this.#options.asks() : undefined,
    }
    if (this.#options.durable()) Object.assign(append, journaled(batch))
    const { key } = this.#session
    return patiently(this.#instance, this, async () => {
      // Were both sent at once, a registration that the client library repeats would meet a call that has ended.
      if (this.#register) await this.#options.registration()
      if (this.isClosed) return undefined
      const register = this.#register
      if (!register) return this.#instance.store.append(key, append)
      const store = await this.#instance.attend()
      return store.append(key, { ...append, register })
    })
  }

  /** Sends what the log has, and returns the holder that it was sent to. */
  #send(n: number, batch: Item[]): Holder | undefined | Promise<Holder | undefined> {
    const { relay } = this.#options
    if (relay) return this.#relay(relay, n, batch)
    const holder = this.#holder
    if (holder !== undefined) {
      void this.#instance.send({
        t: 'entries',
        to: holder,
        n,
        tag: this.#tag,
        data: batch.map((item) => item.data),
        final: batch.at(-1)?.final === true,
      })
    }
    return holder
  }

  async #relay(relay: Relay, n: number, batch: Item[]): Promise<Holder | undefined> {
    let reader: Holder | undefined
    for (const [i, { data, final }] of batch.entries()) {
      // Given up or over meanwhile: what follows would come after a gap.
      if (this.isClosed) break
      const id = final ? lastOf(this.#options.stream) : `${this.#options.stream}.${n + i}${this.#suffix}`
      reader = await patiently(this.#instance, this, async () => relay(data, id))
    }
    return reader
  }
}
