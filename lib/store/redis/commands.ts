/** Sending commands, each with a limit of time, on a connection that the first of them opens. */
import { Redis } from 'ioredis'
import { StoreUnavailable } from '../store.ts'
import { type Client, commandClient, type Place } from './client.ts'
import { Deadlines } from './deadlines.ts'
import type { Script, Settings } from './scripts/script.ts'
import { isInterruption, unavailable } from './trouble.ts'

const ATTEMPTS = 3

export class Commands {
  readonly #place: Place
  readonly #timeout: number
  readonly #deadlines: Deadlines
  readonly #settings: Settings
  #client: Client | undefined
  #trouble: Error | undefined
  #closed = false
  #pending = 0
  #idle: (() => void)[] = []
  #corked = false

  /** `timeout`: how long one command may take, in ms. */
  constructor(place: Place, timeout: number, settings: Settings) {
    this.#place = place
    this.#settings = settings
    this.#timeout = timeout
    this.#deadlines = new Deadlines(timeout)
  }

  /**
   * Sends the commands of `issue`, and reads their reply. Commands of the same turn share a round trip. They may be sent
   * again, so they must be harmless twice.
   *
   * @throws StoreUnavailable
   */
  run<T, R>(issue: (client: Client) => Promise<T>, read: (reply: T) => R): Promise<R> {
    if (this.#closed) return Promise.reject(new StoreUnavailable('The store is closed.'))
    this.#pending++
    return new Promise<R>((resolve, reject) => {
      const fail = (error: unknown) => reject(unavailable(error, this.#trouble))
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

  /** Runs a script. */
  script<Given, Reply>(script: Script<Given, Reply>, given: NoInfer<Given>): Promise<Reply> {
    const args = script.order(given, this.#settings)
    return this.run(
      (client) => {
        const method: unknown = Reflect.get(client, script.name)
        if (typeof method !== 'function') throw new TypeError(`The client has no script ${script.name}.`)
        return method.apply(client, args)
      },
      (reply) => script.reply(reply, given),
    )
  }

  /** Gives the connection up: the next command opens another, and commands under way are sent again on it. */
  renew(): void {
    const old = this.#client
    this.#client = undefined
    old?.disconnect()
  }

  /** Waits for the commands under way, then disconnects. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#pending > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
    const client = this.#client
    this.#client = undefined
    if (!client) return
    await within(this.#timeout, client.quit()).catch(() => {})
    client.disconnect()
  }

  async #attempt<T>(issue: (client: Client) => Promise<T>, attempt: number): Promise<T> {
    try {
      this.#client ??= commandClient(this.#place, this.#timeout, (error) => (this.#trouble = error))
      this.#gather(this.#client)
      return await issue(this.#client)
    } catch (error) {
      if (attempt === ATTEMPTS || !isInterruption(error)) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 20 * attempt))
    return this.#attempt(issue, attempt + 1)
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

/** The result of `promise`, if it arrives within `ms`; a later result is dropped. */
export function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new StoreUnavailable(`Redis did not answer within ${ms} ms.`)), ms)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
