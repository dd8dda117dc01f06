/**
 * This process as the other instances see it: its id, its mailbox, the connections that it holds, the calls that it runs,
 * and the timers that these share. An instance has nothing of a session beyond its live connections and calls.
 */
import type { Clock, Timer } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import type { SessionOptions } from '../settings.ts'
import type { Append, AppendReply, ChangeEntry, Holder, Owner, Receiving, SessionKey, Store } from '../store/store.ts'
import type { HeldConnection, RunningCall, UnregisteredCall } from './held.ts'
import { type Mail, readMail } from './mail.ts'
import { Memory } from './memory.ts'
import { Presence, SIGN_EVERY } from './presence.ts'
import { RetryQueue } from './retry-queue.ts'
import { StoredBytes } from './stored-bytes.ts'
import { UnregisteredCalls } from './unregistered.ts'

/**
 * The store without the operations by which it names this instance as a holder or owner. Mail may come as soon as the
 * store names an instance, so that these are on the store that {@link Instance.attend} gives.
 */
export type UnnamedStore = Omit<Store, 'register' | 'take' | 'claim' | 'append'> & {
  append(key: SessionKey, append: Append & { register?: undefined }): Promise<AppendReply>
}

const BEAT_SLOTS = 8
/** In ms, 24 days: Node runs a longer timer at once. */
const LONGEST_TIMER = 2 ** 31 - 1

export class Instance {
  /** As `hasMailSign` of lib/store/bus.ts reads it. */
  readonly id = `${randomId(9)}~`
  readonly store: UnnamedStore
  readonly options: SessionOptions
  readonly clock: Clock
  /** By token. */
  readonly connections = new Map<string, HeldConnection>()
  readonly calls = new Map<string, RunningCall>()
  /** Those of sessions by session key and typed id. */
  readonly unregistered = new UnregisteredCalls()
  /** Work at the store for calls that have ended here while the store was away. */
  readonly retry: RetryQueue
  readonly memory: Memory
  /** What the sessions of each client keep in the store. */
  readonly stored: StoredBytes
  readonly #store: Store
  /** The sign of life of this instance, and those of others. */
  readonly presence: Presence
  #draining = false
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
    this.memory = memory
    this.stored = new StoredBytes(this, options.maxStored)
    this.store = store
    this.#store = store
    this.options = options
    this.clock = clock
    this.#errors = onError
    this.presence = new Presence(this.id, store, clock, options.lease, () => this.#signLapsed())
    this.retry = new RetryQueue(clock, options.idleLifetime, onError)
  }

  /** The name by which the store and the other instances address a connection or a run here. */
  name(token: string): Holder & Owner {
    return `${this.id}:${token}`
  }

  /** The instance holds as many streams as it may. */
  get full(): boolean {
    return this.connections.size >= this.options.maxStreams
  }

  /** The instance shuts down. */
  get draining(): boolean {
    return this.#draining
  }

  /** Has every stream end that may end before its response. */
  beginDrain(): void {
    this.#draining = true
    this.presence.leave()
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
        change: (entry) => this.#changed(entry),
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
    const done = work.catch(this.#errors).finally(() => {
      this.#background.delete(done)
      if (this.#background.size === 0) this.#wake()
    })
    this.#background.add(done)
    return done
  }
  readonly #background = new Set<Promise<unknown>>()

  /** Resolves when no call runs here and the background work is done. Streams may still be open. */
  async settled(): Promise<void> {
    while (this.calls.size > 0 || this.unregistered.size > 0 || this.#background.size > 0) await this.changed()
  }

  /**
   * Runs `end` before the platform cuts a response off: `margin` ms before the deadline (by the clock's `now`). Where little time
   * is left, the margin is the part `share` of it.
   */
  before(deadline: number | undefined, margin: number, share: number, end: () => void): Timer | undefined {
    if (deadline === undefined) return undefined
    const left = Math.max(0, deadline - this.clock.now())
    return this.clock.after(left - Math.min(margin, left * share), end)
  }

  /** Runs `end` at a moment of the wall clock (the expiry of a token), unless that is further away than any timer reaches. */
  at(moment: number | undefined, end: () => void): Timer | undefined {
    if (moment === undefined) return undefined
    const left = Math.max(0, moment - this.clock.wall())
    return left > LONGEST_TIMER ? undefined : this.clock.after(left, end)
  }

  /** Reports a failure that no client is told in full. */
  report(error: unknown): void {
    this.#errors(error)
  }

  /** Closes the waiting connection to the store if nothing is open here. */
  async rest(): Promise<void> {
    await this.settled()
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
    try {
      this.connections.get(token)?.receive(mail)
      this.calls.get(token)?.receive(mail)
    } catch (error) {
      this.#errors(error)
    }
  }

  #changed(entry: ChangeEntry): void {
    for (const connection of this.connections.values()) connection.changes([entry])
  }

  #startTimers(): void {
    const { lease, heartbeat } = this.options
    this.#busySince = this.clock.now()
    this.#timers.push(this.clock.every(lease * SIGN_EVERY, () => this.#watch()))
    if (heartbeat > 0) this.#timers.push(this.clock.every(heartbeat / BEAT_SLOTS, () => this.#beatSlot()))
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
      .then(() => this.#findLost())
      .catch(this.#errors)
  }

  /** Takes over the calls, of connections here, whose instances are dead. */
  async #findLost(): Promise<void> {
    const watchers = [...this.connections.values()]
    await Promise.all(watchers.map((connection) => connection.findOwners?.()))
    const watched = new Set<string>()
    for (const connection of watchers) for (const owner of connection.owners()) watched.add(instanceOf(owner))
    watched.delete(this.id)
    if (watched.size === 0) return
    const dead = await this.presence.dead([...watched])
    if (dead.size === 0) return
    for (const connection of watchers) {
      for (const owner of [...connection.owners()]) if (dead.has(instanceOf(owner))) connection.ownerLost(owner)
    }
  }
}

export function instanceOf(name: string): string {
  return name.slice(0, Math.max(0, name.indexOf(':')))
}

export function tokenOf(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}
