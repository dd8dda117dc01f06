/** Sending commands, each with a limit of time, on a connection that the first of them opens. */

import { channels } from '../../base/events.ts'
import { StoreRefused, StoreUnavailable } from '../store.ts'
import { type Client, watchClient } from './client.ts'
import { isOwn, sendScript } from './command.ts'
import { Contact } from './contact.ts'
import { Deadlines } from './deadlines.ts'
import { Redis } from './ioredis.ts'
import { Outage, publishCommand } from './outage.ts'
import { nothing } from './scripts/decode.ts'
import { type Keys, keysOf } from './scripts/keys.ts'
import type { Script, Settings } from './scripts/script.ts'
import { claimPrefix } from './scripts/server.ts'
import type { Source } from './source.ts'
import { isInterruption, isLoading, isMoved, unavailable } from './trouble.ts'

const ATTEMPTS = 3
/** From one attempt to the next while a server loads its data, in ms. */
const LOADING_PAUSE = 50
/** How far, in ms, the clocks of the nodes of a cluster may differ. */
const CLUSTER_SLACK = 1_000

interface Parts {
  source: Source
  /** How long one command may take, in ms. */
  timeout: number
  settings: Omit<Settings, 'slack'>
  prefix: string
  renamedFrom: string | undefined
  /** Receives the cause when Redis goes away or refuses this process, and a new cause that follows it. */
  onError: (error: unknown) => void
}

export class Commands {
  readonly keys: Keys
  readonly contact: Contact
  readonly #source: Source
  readonly #timeout: number
  readonly #deadlines: Deadlines
  readonly settings: Settings
  #client: Client | undefined
  #unwatch = () => {}
  #trouble: Error | undefined
  #closed = false
  #pending = 0
  #idle: (() => void)[] = []
  #corked = false
  readonly #outage: Outage

  constructor({ source, timeout, settings, prefix, renamedFrom, onError }: Parts) {
    this.#source = source
    this.settings = { ...settings, slack: source.cluster ? CLUSTER_SLACK : 1 }
    this.#timeout = timeout
    this.#deadlines = new Deadlines(timeout)
    this.#outage = new Outage(onError)
    this.keys = keysOf(prefix)
    this.contact = new Contact({
      prefix,
      renamedFrom,
      send: (issue) => this.#send(issue, (reply) => reply),
      claim: async (client, name, before) => {
        const given = { name, before }
        return claimPrefix.reply(
          await invoke(client, claimPrefix, claimPrefix.order(given, this.settings, this.keys)),
          given,
        )
      },
      foundCluster: () => this.#foundCluster(),
      onError,
    })
  }

  /**
   * Sends the commands of `issue`, and reads their reply. Commands of the same turn share a round trip. They may be sent
   * again, so they must be harmless twice. Nothing is sent before the first contact with Redis; with `early` it is sent
   * together with it, and its reply counts only then.
   *
   * @param name of the command, for listeners
   * @throws StoreUnavailable
   */
  run<T, R>(name: string, issue: (client: Client) => Promise<T>, read: (reply: T) => R, early = false): Promise<R> {
    if (this.#closed) return Promise.reject(new StoreUnavailable('The store is closed.', { trouble: 'closed' }))
    const reply = this.contact.made ? this.#send(issue, read) : this.#first(issue, read, early)
    return channels.command.hasSubscribers ? publishCommand(name, reply) : reply
  }

  /** As {@link run}, for what no call needs: neither its reply nor its failure says whether Redis serves the calls. */
  async look<T, R>(issue: (client: Client) => Promise<T>, read: (reply: T) => R): Promise<R> {
    if (!this.contact.made) await this.contact.make()
    return this.#send(issue, read, false)
  }

  async #first<T, R>(issue: (client: Client) => Promise<T>, read: (reply: T) => R, early: boolean): Promise<R> {
    this.#pending++
    try {
      const made = this.contact.make()
      const reply = early ? this.#send(issue, read) : undefined
      // Where the contact fails, its reason counts, and not what an unsuitable server replied.
      reply?.catch(() => {})
      await made
      return await (reply ?? this.#send(issue, read))
    } finally {
      this.#ended()
    }
  }

  #send<T, R>(issue: (client: Client) => Promise<T>, read: (reply: T) => R, counts = true): Promise<R> {
    this.#pending++
    return new Promise<R>((resolve, reject) => {
      const fail = (error: unknown) => reject(this.#failure(error, counts))
      const deadline = this.#deadlines.add(() => {
        this.#ended()
        fail(new StoreUnavailable(`Redis did not answer within ${this.#timeout} ms.`))
      })
      const over = () => {
        if (!deadline.met()) return false
        this.#ended()
        return true
      }
      this.#attempt(issue, 1).then(
        (reply) => {
          if (!over()) return
          if (counts && this.contact.made) this.#outage.succeeded()
          try {
            resolve(read(reply))
          } catch (error) {
            reject(error)
          }
        },
        (error) => {
          if (over()) fail(error)
        },
      )
    })
  }

  #ended(): void {
    this.#pending--
    if (this.#pending === 0 && this.#idle.length > 0) for (const wake of this.#idle.splice(0)) wake()
  }

  #failure(error: unknown, counts: boolean): StoreUnavailable {
    const failure = unavailable(error, this.#trouble)
    if (counts && !this.#closed) this.#outage.failed(failure)
    return failure
  }

  /** Runs a script. `early`: as for {@link run}. */
  script<Given, Reply>(script: Script<Given, Reply>, given: NoInfer<Given>, early = false): Promise<Reply> {
    const { slack } = this.settings
    const args = script.order(given, this.settings, this.keys)
    // The first contact may find a cluster while the command is under way.
    const issue = (client: Client) =>
      invoke(client, script, slack === this.settings.slack ? args : script.order(given, this.settings, this.keys))
    return this.run(script.name, issue, (reply) => script.reply(reply, given), early)
  }

  /** The client, once a command has opened its connection. */
  get client(): Client | undefined {
    return this.#client
  }

  /** Opens the connection, where no command has done so. */
  open(): void {
    if (this.#closed || this.#source.ready || this.#client) return
    this.#client = this.#open()
    this.#client.connect().catch(nothing)
  }

  /** Gives the connection up: the next command opens another, and commands under way are sent again on it. */
  renew(): void {
    const old = this.#client
    // The author's client makes its own connections.
    if (this.#source.ready) return old?.disconnect(true)
    this.#client = undefined
    old?.disconnect()
  }

  /**
   * The server is a node of a cluster: from now on each command goes to the node that has its key, and those under way are sent
   * again.
   *
   * @throws StoreRefused where the clients cannot be those of a cluster
   */
  #foundCluster(): void {
    if (this.#source.cluster) return
    const obstacle = this.#source.foundCluster()
    if (obstacle !== undefined) throw new StoreRefused(obstacle)
    this.settings.slack = CLUSTER_SLACK
    this.renew()
  }

  /** Resolves when no command is under way. */
  async settled(): Promise<void> {
    if (this.#pending > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  /** Waits for the commands under way, then disconnects. */
  async close(): Promise<void> {
    this.#closed = true
    this.contact.close()
    await this.settled()
    const client = this.#client
    this.#client = undefined
    if (!client) return
    if (this.#source.ready) return this.#unwatch()
    await within(this.#timeout, client.quit()).catch(() => {})
    client.disconnect()
  }

  /** @param loading how long the server has been loading its data, in ms */
  async #attempt<T>(issue: (client: Client) => Promise<T>, attempt: number, loading = 0): Promise<T> {
    // A client that has given up does not come back.
    if (this.#client?.status === 'end' && !this.#source.ready) this.#client = undefined
    try {
      this.#client ??= this.#open()
      this.#gather(this.#client)
      return await issue(this.#client)
    } catch (error) {
      if (isLoading(error) && loading < this.#timeout) return this.#afterLoading(issue, attempt, loading)
      if (attempt === ATTEMPTS || !isInterruption(error)) throw error
      if (isMoved(error)) this.#foundCluster()
    }
    await new Promise((resolve) => setTimeout(resolve, 20 * attempt))
    return this.#attempt(issue, attempt + 1)
  }

  async #afterLoading<T>(issue: (client: Client) => Promise<T>, attempt: number, loading: number): Promise<T> {
    await new Promise((resolve) => setTimeout(resolve, LOADING_PAUSE))
    return this.#attempt(issue, attempt, loading + LOADING_PAUSE)
  }

  #open(): Client {
    const client = this.#source.commandClient(this.#timeout)
    this.#unwatch = watchClient(client, (error) => {
      this.#trouble = error
    })
    return client
  }

  /**
   * Sends the commands of this turn of the event loop in one piece. ioredis can do that itself (auto-pipelining, which a
   * cluster uses), but makes three more promises for each command.
   */
  #gather(client: Client): void {
    if (this.#corked || !(client instanceof Redis) || client.status !== 'ready') return
    const { stream } = client
    this.#corked = true
    stream.cork()
    setImmediate(() => {
      this.#corked = false
      stream.uncork()
    })
  }
}

/** Runs a script. The first run defines it in a client of another copy of the package. */
export function invoke(client: Client, script: Script<never, unknown>, args: (string | number)[]): Promise<unknown> {
  if (isOwn(client)) return sendScript(client, script, args)
  const { name, numberOfKeys, lua } = script
  if (Reflect.get(client, name) === undefined) {
    client.defineCommand(name, { lua, ...(numberOfKeys !== undefined && { numberOfKeys }) })
  }
  const method: unknown = Reflect.get(client, name)
  if (typeof method !== 'function') throw new TypeError(`The client has no script ${name}.`)
  return method.apply(client, args)
}

/** The result of `promise`, if it arrives within `ms`; a later result is dropped. */
export function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new StoreUnavailable(`Redis did not answer within ${ms} ms.`)), ms)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
