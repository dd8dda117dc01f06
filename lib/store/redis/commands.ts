/** Sending commands: on a connection that is opened when the first one goes, each with a limit of time. */
import { StoreUnavailable } from '../store.ts'
import type { Client, Place } from './client.ts'
import { commandClient, isInterruption, unavailable } from './client.ts'
import type { Script } from './scripts/script.ts'

const ATTEMPTS = 3

export class Commands {
  readonly #place: Place
  readonly #timeout: number
  #client: Client | undefined
  #trouble: Error | undefined
  #closed = false
  #pending = 0
  #idle: (() => void)[] = []

  /** `timeout`: how long one command may take, in ms. */
  constructor(place: Place, timeout: number) {
    this.#place = place
    this.#timeout = timeout
  }

  /**
   * Runs what `issue` sends. Commands that are sent in the same turn share a round trip. It may be sent again, so it
   * must be harmless twice.
   *
   * @throws StoreUnavailable
   */
  async run<T>(issue: (client: Client) => Promise<T>): Promise<T> {
    if (this.#closed) throw new StoreUnavailable('The store is closed.')
    this.#pending++
    try {
      return await within(this.#timeout, this.#attempt(issue))
    } catch (error) {
      throw unavailable(error, this.#trouble)
    } finally {
      this.#pending--
      if (this.#pending === 0) for (const wake of this.#idle.splice(0)) wake()
    }
  }

  script(script: Script, keys: string[], args: (string | number)[]): Promise<unknown> {
    return this.run((client) => {
      const method: unknown = Reflect.get(client, script.name)
      if (typeof method !== 'function') throw new TypeError(`The client has no script ${script.name}.`)
      return method.call(client, ...keys, ...args)
    })
  }

  /** The connection is given up; the next command opens another, and what was under way is sent again on it. */
  renew(): void {
    const old = this.#client
    this.#client = undefined
    old?.disconnect()
  }

  /** Waits for what is under way, then leaves. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#pending > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
    const client = this.#client
    this.#client = undefined
    if (!client) return
    await within(this.#timeout, client.quit()).catch(() => {})
    client.disconnect()
  }

  async #attempt<T>(issue: (client: Client) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        this.#client ??= commandClient(this.#place, this.#timeout, (error) => (this.#trouble = error))
        return await issue(this.#client)
      } catch (error) {
        if (attempt === ATTEMPTS || !isInterruption(error)) throw error
      }
      await new Promise((resolve) => setTimeout(resolve, 20 * attempt))
    }
  }
}

/** The result of `promise`, if it comes within `ms`; what comes later is dropped. */
export function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new StoreUnavailable(`Redis did not answer within ${ms} ms.`)), ms)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
