/**
 * This process as the other instances see it: its id, its mailbox, the connections that it holds and the calls that
 * it runs, and the timers that they share. It holds nothing of a session beyond its live connections and calls.
 */
import type { Clock, Timer } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import type { SessionOptions } from '../settings.ts'
import type { ChangeEntry, Holder, Owner, Receiving, Store } from '../store/store.ts'
import type { Mail } from './mail.ts'
import { readMail } from './mail.ts'
import { Owed } from './retry-queue.ts'

/** A connection as the instance drives it. */
export interface HeldConnection {
  readonly token: string
  /** The instance that runs the calls whose messages come through this connection, where it is another one. */
  owners(): Iterable<Owner>
  /** Asks the store who the owners are, where the connection cannot know. */
  findOwners?(): Promise<void>
  receive(mail: Mail): void
  /** The heartbeat: a comment to the client, a look at the store. */
  beat(): void
  changes(entries: ChangeEntry[]): void
  /** The instance of `owner` is dead. */
  ownerLost(owner: Owner): void
  /** The instance goes: end what may end before its answer. */
  drain(): void
  /** The drain is over: end in any case. */
  close(retry: number): void
}

/** A registered call as the instance drives it. */
export interface RunningCall {
  readonly token: string
  receive(mail: Mail): void
  beat(): void
  /** The instance goes and will not wait any longer: hand over or fail. Resolves when the store knows. */
  abandon(): Promise<void>
}

const BEAT_SLOTS = 8
/** 24 days: what is further away would be due at once. */
const LONGEST_TIMER = 2 ** 31 - 1

/** A call that only this process knows. */
export interface EarlyCall {
  cancel(reason?: string): void
  /** As {@link RunningCall.abandon}. */
  abandon(): void | Promise<void>
}

export class Instance {
  readonly id = randomId(9)
  readonly store: Store
  readonly options: SessionOptions
  readonly clock: Clock
  readonly connections = new Map<string, HeldConnection>()
  readonly calls = new Map<string, RunningCall>()
  /** Calls that the store does not know (yet): those of sessions by session key and typed id. */
  readonly early = new Map<string, EarlyCall>()
  /** What the store did not take when it was to be told. */
  readonly owed: Owed
  draining = false
  #receiving: Promise<Receiving> | undefined
  #upAt = Number.NEGATIVE_INFINITY
  #timers: Timer[] = []
  #waiters: (() => void)[] = []
  #errors: (error: unknown) => void

  constructor(store: Store, options: SessionOptions, clock: Clock, onError: (error: unknown) => void) {
    this.store = store
    this.options = options
    this.clock = clock
    this.#errors = onError
    this.owed = new Owed(clock, options.idleLifetime, onError)
  }

  /** The token by which the store and the other instances know a connection or a run here. */
  name(token: string): Holder & Owner {
    return `${this.id}:${token}`
  }

  /** It holds as many streams as it may. */
  get full(): boolean {
    return this.connections.size >= this.options.maxStreams
  }

  isHere(name: Holder | Owner): boolean {
    return instanceOf(name) === this.id
  }

  /**
   * Makes this instance reachable: mail is received and its sign of life is written. To be awaited before anything
   * in the store names it.
   */
  async attend(): Promise<void> {
    if (this.#stopping) await this.#stopping
    this.#receiving ??= this.store
      .receive(this.id, {
        mail: (text) => this.#deliver(readMail(text)),
        change: (entry) => this.#changed(entry),
        resumed: () => this.#beat(() => true),
      })
      .catch((error) => {
        this.#receiving = undefined
        throw error
      })
    const stale = this.clock.now() - this.#upAt > this.options.lease / 4
    await (stale ? Promise.all([this.#receiving, this.#signOfLife()]) : this.#receiving)
  }

  async #signOfLife(): Promise<void> {
    const now = this.clock.now()
    await this.store.up(this.id, this.options.lease / 2)
    this.#upAt = now
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

  /** `call` no longer needs to be found. Another one under the same key (an id that is used twice) stays. */
  forgetEarly(key: string, call: EarlyCall): void {
    if (this.early.get(key) === call && this.early.delete(key)) this.#wake()
  }

  /** Tries, while the session may live, until the store has done what it must know of a call that has ended here. */
  insist(work: () => Promise<unknown>): void {
    this.owed.add(work)
  }

  #wake(): void {
    if (this.#waiters.length > 0) for (const wake of this.#waiters.splice(0)) wake()
  }

  /** Resolves when the next connection, call or background work has gone. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  /** Sends mail to whom it names: directly where that is here, else through the mailbox of its instance. */
  tell(mail: Mail): void {
    const instance = instanceOf(mail.to)
    if (instance === this.id) this.#deliver(mail)
    else if (instance !== '') this.track(this.store.send(instance, JSON.stringify(mail)))
  }

  /** As {@link tell}, and resolves when the mailbox has it. A failure is swallowed: the store has the truth. */
  async told(mail: Mail): Promise<void> {
    const instance = instanceOf(mail.to)
    if (instance === this.id) this.#deliver(mail)
    else if (instance !== '') await this.store.send(instance, JSON.stringify(mail)).catch(this.#errors)
  }

  /** Something that nobody waits for, but that is to be done before this process may sleep. */
  track(work: Promise<unknown>): void {
    const done = work.catch(this.#errors).finally(() => {
      this.#background.delete(done)
      if (this.#background.size === 0) this.#wake()
    })
    this.#background.add(done)
  }
  readonly #background = new Set<Promise<unknown>>()

  /** Resolves when no call runs here and everything owed to the store is written. Streams may still be open. */
  async settled(): Promise<void> {
    while (this.calls.size > 0 || this.early.size > 0 || this.#background.size > 0) await this.changed()
  }

  /**
   * Runs `end` in time before the platform cuts the response off, `margin` ms before the deadline or, where the whole
   * time is short, after half of it (`share`).
   */
  before(deadline: number | undefined, margin: number, share: number, end: () => void): Timer | undefined {
    if (deadline === undefined) return undefined
    const left = Math.max(0, deadline - this.clock.now())
    return this.clock.after(left - Math.min(margin, left * share), end)
  }

  /** Runs `end` at a moment (ms since 1970), unless that is further away than any timer reaches. */
  at(moment: number | undefined, end: () => void): Timer | undefined {
    if (moment === undefined) return undefined
    const left = Math.max(0, moment - this.clock.now())
    return left > LONGEST_TIMER ? undefined : this.clock.after(left, end)
  }

  /** Something failed in the background; nobody waits for it. */
  report(error: unknown): void {
    this.#errors(error)
  }

  /** Gives the waiting connection up while nothing is open here. */
  async rest(): Promise<void> {
    await this.settled()
    if (this.connections.size === 0 && this.#receiving) await this.stop()
  }

  /** Ends the sign of life and the mailbox. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel()
    this.#timers = []
    const receiving = this.#receiving
    if (!receiving) return this.#stopping
    this.#receiving = undefined
    this.#upAt = Number.NEGATIVE_INFINITY
    this.#stopping = this.#leave(receiving).finally(() => {
      this.#stopping = undefined
    })
    return this.#stopping
  }
  /** Who attends meanwhile begins again after it. */
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
    this.#timers.push(this.clock.every(lease / 6, () => this.#watch()))
    if (heartbeat > 0) this.#timers.push(this.clock.every(heartbeat / BEAT_SLOTS, () => this.#beatSlot()))
  }

  /** Beats are spread over the interval by token, so that thousands of connections do not ask the store at once. */
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
    this.#signOfLife().catch(this.#errors)
    this.#findLost().catch(this.#errors)
  }

  /** Looks whether the instances still live whose calls speak through connections here. */
  async #findLost(): Promise<void> {
    const watchers = [...this.connections.values()]
    await Promise.all(watchers.map((connection) => connection.findOwners?.()))
    const watched = new Set<string>()
    for (const connection of watchers) for (const owner of connection.owners()) watched.add(instanceOf(owner))
    watched.delete(this.id)
    if (watched.size === 0) return
    const instances = [...watched]
    const alive = await this.store.alive(instances)
    const dead = new Set(instances.filter((_, i) => alive[i] === false))
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
