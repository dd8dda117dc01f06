/** The first contact with Redis: whether this build can use it, and whether the prefix of the keys belongs to the server. */
import { StoreRefused } from '../store.ts'
import type { Client } from './client.ts'
import { misplacedServer } from './many-servers.ts'

const OLDEST = '6.2'
/** A command of {@link OLDEST} that no earlier version has. */
const NEW_COMMAND = 'GETEX'
/** From one renewal of the claim to the next, in ms. It lives for weeks. */
const RENEW_EVERY = 60 * 60_000

interface ContactParts {
  prefix: string
  /** The name that the server had before. */
  renamedFrom: string | undefined
  /** Sends commands. Those that are sent in the same turn share a round trip. */
  send: (issue: (client: Client) => Promise<unknown>) => Promise<unknown>
  /** Claims the prefix: resolves with the name of its server where that is another one. */
  claim: (client: Client, name: string, before: string) => Promise<string | undefined>
  /** The server is a node of a cluster, and its client may be that of one server. */
  foundCluster: () => void
  onError: (error: unknown) => void
}

export class Contact {
  /** True from the first contact on. */
  made = false
  /** The name of the server that the store is for; a process that only announces changes has none. */
  #server: string | undefined
  #parts: ContactParts
  #making: Promise<void> | undefined
  #renewal: NodeJS.Timeout | undefined

  constructor(parts: ContactParts) {
    this.#parts = parts
  }

  /** @throws TypeError where the store is for another server */
  serve(server: string): void {
    if (this.#server !== undefined && this.#server !== server) {
      const names = `${JSON.stringify(this.#server)} and ${JSON.stringify(server)}`
      throw new TypeError(`One store cannot be for the servers ${names}. Give each a redisStore with its own prefix.`)
    }
    this.#server = server
  }

  /** Makes the contact, where it is not made. @throws StoreUnavailable, StoreRefused */
  make(): Promise<void> {
    this.#making ??= this.#parts
      .send((client) => Promise.all([this.#inspect(client), this.#claim(client)]))
      .then(() => {
        this.made = true
        this.#renewal ??= setInterval(() => this.#renew(), RENEW_EVERY).unref()
      })
      .finally(() => {
        this.#making = undefined
      })
    return this.#making
  }

  close(): void {
    clearInterval(this.#renewal)
  }

  #renew(): void {
    this.#parts
      .send((client) => this.#claim(client))
      .catch((error) => {
        // The next command finds the same, and is refused.
        if (error instanceof StoreRefused) this.made = false
        else this.#parts.onError(error)
      })
  }

  /** @throws StoreRefused where the server cannot be used */
  async #inspect(client: Client): Promise<void> {
    const mode = await requireVersion(client)
    if (mode === 'cluster') this.#parts.foundCluster()
    if (mode === 'sentinel') throw new StoreRefused(misplacedServer(mode))
  }

  async #claim(client: Client): Promise<void> {
    const { prefix, renamedFrom = '', claim } = this.#parts
    const server = this.#server
    if (server === undefined) return
    const owner = await claim(client, server, renamedFrom).catch((error) => {
      // A Redis that is full still serves what needs no memory. The claim is made later.
      if (!/\bOOM\b/.test(String(error))) throw error
    })
    if (owner === undefined) return
    const [mine, other] = [JSON.stringify(server), JSON.stringify(owner)]
    throw new StoreRefused(
      `The prefix ${prefix} in Redis belongs to the server ${other}, and this one is ${mine}. Give this one a prefix of ` +
        `its own (REDIS_PREFIX, or the option prefix of redisStore). Where ${other} was renamed to ${mine}, set ` +
        `REDIS_RENAMED_FROM=${owner} (the option renamedFrom) for the time of the deployment.`,
    )
  }
}

/** Returns the mode of the server, where it says so. @throws StoreRefused where Redis lacks commands that the scripts use */
async function requireVersion(client: Client): Promise<string | undefined> {
  // A user that may not ask is not refused for it.
  const info = await client.info('server').catch((error) => {
    if (!/NOPERM/.test(String(error))) throw error
  })
  if (info === undefined) return undefined
  // Valkey can be set to show names of its own.
  const mode = /^(?:redis|server)_mode:(\w+)/m.exec(info)?.[1]
  if (mode === 'sentinel') return mode
  const version = /^redis_version:(\S+)/m.exec(info)?.[1]
  const [major = 0, minor = 0] = version?.split('.').map(Number) ?? []
  if (major > 6 || (major === 6 && minor >= 2)) return mode
  // A server with another numbering may have the commands all the same.
  const known: unknown = await client.call('COMMAND', 'INFO', NEW_COMMAND).catch(() => undefined)
  if (Array.isArray(known) && known[0]) return mode
  const message = `Redis ${OLDEST} or later is needed, and this one is ${version ?? 'of an unknown version'}.`
  throw new StoreRefused(message, { trouble: 'outdated' })
}
