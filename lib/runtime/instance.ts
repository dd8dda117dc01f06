/**
 * This process as the other instances see it: its id, its mailbox, the connections that it holds, the calls that it runs,
 * and the timers that these share. An instance has nothing of a session beyond its live connections and calls.
 */
import { type Clock, everySpread, type Timer } from '../base/clock.ts'
import { Turns } from '../base/turns.ts'
import type { RequestId } from '../protocol/jsonrpc.ts'
import type { SessionOptions } from '../settings.ts'
import type { Append, AppendReply, ChangeEntry, Holder, Owner, Receiving, SessionKey, Store } from '../store/store.ts'
import { Batches } from './batches.ts'
import type { HeldConnection, RunningCall, UnregisteredCall } from './held.ts'
import { type Mail, readMail, runIsOver } from './mail.ts'
import { Memory } from './memory.ts'
import { instanceOf, newInstanceId, tokenOf } from './name.ts'
import { Presence, SIGN_EVERY } from './presence.ts'
import { shuttingDown, tooManyStreams } from './refusals.ts'
import { RetryQueue } from './retry-queue.ts'
import { StoredBytes } from './stored-bytes.ts'
import { thinned } from './thinned.ts'
import { UnregisteredCalls } from './unregistered.ts'

/**
 * The store without the operations by which it names this instance as a holder or owner. Mail may come as soon as the
 * store names an instance, so that these are on the store that {@link Instance.attend} gives.
 */
export type UnnamedStore = Omit<Store, 'register' | 'take' | 'claim' | 'append'> & {
  append(key: SessionKey, append: Append & { register?: undefined }): Promise<AppendReply>
}

const BEAT_SLOTS = 8

export class Instance {
  readonly id: string
  readonly store: UnnamedStore
  readonly options: SessionOptions
  readonly clock: Clock
  /** By token. */
  readonly connections = new Map<string, HeldConnection>()
  readonly calls = new Map<string, RunningCall>()
  /** The streams whose calls are being taken over. */
  readonly takingOver = new Set<string>()
  /** The streams of failed calls whose end the store does not have yet. */
  readonly ending = new Set<string>()
  /** Those of sessions by session key and typed id. */
  readonly unregistered = new UnregisteredCalls()
  /** Work at the store for calls that have ended here while the store was away. */
  readonly retry: RetryQueue
  readonly memory: Memory
  /** What the sessions of each client keep in the store. */
  readonly stored: StoredBytes
  /** For what thousands of streams may do at the same moment: more at once would overrun the deadline of the store. */
  readonly turns = new Turns(200)
  readonly #store: Store
  readonly #changes: Batches<ChangeEntry>
  readonly presence: Presence
  /** Requests whose session is being read: they may become calls. */
  entering = 0
  /** This instance shuts down. */
  draining = false
  /** Gets each call that begins once the others were handed over. */
  onLateCall: ((call: RunningCall) => void) | undefined
  #receiving: Promise<Receiving> | undefined
  /** Since when something is open here without a break. */
  #busySince = 0
  #timers: Timer[] = []
  #waiters: (() => void)[] = []
  #errors: (error: unknown) => void

  constructor(
    store: Store,
    options: SessionOptions,
    clock: Clock,
    onError: (error: unknown) => void,
    memory = new Memory(),
  ) {
    this.id = newInstanceId(store.busSlots)
    this.memory = memory
    this.stored = new StoredBytes(this, options.maxStored)
    this.store = store
    this.#store = store
    this.options = options
    this.clock = clock
    this.#errors = thinned(onError, clock)
    this.#changes = new Batches(clock, (entries) => {
      for (const connection of this.connections.values()) this.#safely(() => connection.changes(entries))
    })
    this.retry = new RetryQueue(clock, options.idleLifetime, this.#errors)
    const events = { onLapse: () => this.#signLapsed(), onReturn: () => this.retry.again() }
    this.presence = new Presence(this.id, store, clock, options.lease, events)
  }

  /** The name by which the store and the other instances address a connection or a run here. */
  name(token: string): Holder & Owner {
    return `${this.id}:${token}`
  }

  /** @throws Refusal 503 where no further stream is opened here */
  admitStream(id?: RequestId): void {
    if (this.draining) throw shuttingDown(id)
    if (this.connections.size >= this.options.maxStreams) throw tooManyStreams(id)
  }

  /** Has every stream end that may end before its response. */
  beginDrain(): void {
    this.draining = true
    this.presence.leave()
    this.#changes.flush()
    for (const connection of [...this.connections.values()]) connection.drain()
  }

  isHere(name: Holder | Owner): boolean {
    return instanceOf(name) === this.id
  }

  /**
   * Makes this instance reachable: it receives mail, and its sign of life is in the store.
   *
   * @returns the store with the operations by which it names this instance
   */
  async attend(): Promise<Store> {
    if (this.#stopping) await this.#stopping
    this.#receiving ??= this.store
      .receive(this.id, {
        mail: (text) => this.#deliver(readMail(text)),
        change: (entry) => this.#changes.add(entry),
        resumed: () => {
          this.presence.renew().catch(this.#errors)
          this.#beat(() => true)
        },
      })
      .catch((error) => {
        this.#receiving = undefined
        throw error
      })
    await (this.presence.isStale ? Promise.all([this.#receiving, this.presence.renew()]) : this.#receiving)
    return this.#store
  }

  /** The sign of life had lapsed: mail that was sent then to what was open here was not kept. */
  #signLapsed(): void {
    const since = this.clock.now() - this.#busySince
    if (this.#timers.length > 0 && since > this.options.lease * SIGN_EVERY) this.#beat(() => true)
  }

  add(kind: 'connection', item: HeldConnection): void
  add(kind: 'call', item: RunningCall): void
  add(kind: 'connection' | 'call', item: HeldConnection | RunningCall): void {
    if (kind === 'connection') this.connections.set(item.token, item as HeldConnection)
    else this.calls.set(item.token, item as RunningCall)
    if (kind === 'call') this.onLateCall?.(item as RunningCall)
    if (this.#timers.length === 0) this.#startTimers()
  }

  remove(item: HeldConnection | RunningCall): void {
    this.connections.delete(item.token)
    this.calls.delete(item.token)
    this.#wake()
    if (this.connections.size > 0 || this.calls.size > 0) return
    for (const timer of this.#timers) timer.cancel()
    this.#timers = []
  }

  forgetUnregistered(key: string, call: UnregisteredCall): void {
    if (this.unregistered.forget(key, call)) this.#wake()
  }

  entered(): void {
    this.entering--
    this.#wake()
  }

  #wake(): void {
    if (this.#waiters.length > 0) for (const wake of this.#waiters.splice(0)) wake()
  }

  /** Resolves when a connection, a call or the last background work has ended. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  /**
   * Sends mail to the connection or run that it names: at once where that is here, else through the mailbox of its
   * instance. The promise resolves when the mailbox has it, and never rejects: a heartbeat finds in the store what mail lost.
   */
  send(mail: Mail): Promise<unknown> | undefined {
    const instance = instanceOf(mail.to)
    if (instance === this.id) this.#deliver(mail)
    else if (instance !== '') return this.track(this.store.send(instance, JSON.stringify(mail)))
    return undefined
  }

  /** Work in the background that has to be done before this process may sleep. Its failure is reported. */
  track(work: Promise<unknown>): Promise<unknown> {
    return this.during(work.catch(this.#errors))
  }

  /** As {@link track}, for work whose failure is the caller's: the store is not closed under it. */
  during<T>(work: Promise<T>): Promise<T> {
    const ended = () => {
      this.#background.delete(work)
      if (this.#background.size === 0) this.#wake()
    }
    this.#background.add(work)
    work.then(ended, ended)
    return work
  }
  readonly #background = new Set<Promise<unknown>>()

  /** Nothing runs here that the drain has to wait for. Streams may still be open. */
  get isSettled(): boolean {
    return this.calls.size + this.unregistered.size + this.#background.size + this.entering === 0
  }

  /** Resolves when no call runs here and the background work is done. */
  async settled(): Promise<void> {
    while (!this.isSettled) await this.changed()
  }

  /** Reports a failure that no client is told in full. */
  report(error: unknown): void {
    this.#errors(error)
  }

  /** Closes the waiting connection to the store if nothing is open here. */
  async rest(): Promise<void> {
    await this.settled()
    // What nobody waits for is done too: a reply that arrives after the sleep would be too late.
    await this.store.settled?.()
    if (this.connections.size === 0 && this.#receiving) await this.stop()
  }

  /** Removes the sign of life and the mailbox. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel()
    this.#timers = []
    const receiving = this.#receiving
    if (!receiving) return this.#stopping
    this.#receiving = undefined
    this.presence.ended()
    this.#stopping = this.#leave(receiving).finally(() => {
      this.#stopping = undefined
    })
    return this.#stopping
  }
  /** {@link attend} begins again after it. */
  #stopping: Promise<void> | undefined

  async #leave(started: Promise<Receiving>): Promise<void> {
    const receiving = await started.catch(() => undefined)
    await receiving?.stop()
    if (receiving) await this.store.down(this.id).catch(this.#errors)
  }

  #deliver(mail: Mail | undefined): void {
    if (!mail) return
    const token = tokenOf(mail.to)
    this.#safely(() => {
      this.connections.get(token)?.receive(mail)
      const call = this.calls.get(token)
      if (call) call.receive(mail)
      else if (mail.t === 'retry') void this.send(runIsOver(mail))
    })
  }

  /** The failure of one connection or call is not that of the others. */
  #safely(deliver: () => void): void {
    try {
      deliver()
    } catch (error) {
      this.#errors(error)
    }
  }

  #startTimers(): void {
    const { lease, heartbeat } = this.options
    this.#busySince = this.clock.now()
    this.#timers.push(this.clock.every(lease * SIGN_EVERY, () => this.#watch()))
    if (heartbeat > 0) this.#timers.push(everySpread(this.clock, heartbeat / BEAT_SLOTS, () => this.#beatSlot()))
  }

  /** Heartbeats are spread over the interval by token, so that thousands of connections do not ask the store at once. */
  #beatSlot(): void {
    const slot = this.#slot++ % BEAT_SLOTS
    this.#beat((token) => token.charCodeAt(token.length - 1) % BEAT_SLOTS === slot)
  }
  #slot = 0

  #beat(due: (token: string) => boolean): void {
    for (const connection of this.connections.values()) if (due(connection.token)) connection.beat()
    for (const call of this.calls.values()) if (due(call.token)) call.beat()
  }

  #watch(): void {
    this.presence
      .renew()
      .then(async () => this.connections.size > 0 && (await import('./lost-calls.ts')).findLostCalls(this))
      .catch(this.#errors)
  }
}
