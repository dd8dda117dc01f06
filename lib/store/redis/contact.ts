/** The first contact with Redis: whether this build can use it, and whether the prefix of the keys belongs to the server. */
import { StoreRefused } from '../store.ts'
import type { Client } from './client.ts'
import { type Greeting, greetingOf } from './greeting.ts'
import { misplacedServer } from './many-servers.ts'
import { nothing } from './scripts/decode.ts'
import { isReply } from './trouble.ts'

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
      .send(async (client) => {
        const claim = this.#claim(client)
        await this.#inspect(client, claim)
        await claim
      })
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

  /**
   * @param claim whose reply comes after what the server says of itself
   * @throws StoreRefused where the server cannot be used
   */
  async #inspect(client: Client, claim: Promise<unknown>): Promise<void> {
    const failure: unknown = await claim.then(nothing, (error) => error)
    let said = greetingOf(client)
    if (said === undefined) {
      if (failure !== undefined && !(failure instanceof StoreRefused || isReply(failure))) return
      said = await askServer(client)
    }
    if (said?.mode === 'sentinel') throw new StoreRefused(misplacedServer(said.mode))
    if (said !== undefined) await this.#requireVersion(client, said.version)
    if (said?.mode === 'cluster') this.#parts.foundCluster()
  }

  /** @throws StoreRefused where Redis lacks commands that the scripts use */
  async #requireVersion(client: Client, version: string | undefined): Promise<void> {
    const [, major, minor] = /^(\d+)\.(\d+)(?!\d)/.exec(version ?? '')?.map(Number) ?? []
    if (major !== undefined && minor !== undefined && (major > 6 || (major === 6 && minor >= 2))) return
    // A server with another numbering may have the commands all the same.
    const known: unknown = await client.call('COMMAND', 'INFO', NEW_COMMAND).catch(() => undefined)
    const has = Array.isArray(known) && known.length > 0 ? Boolean(known[0]) : undefined
    if (major === undefined && has !== false) return this.#parts.onError(new UnreadableVersion(version))
    if (has) return
    const message = `Redis ${OLDEST} or later is needed, and this one is ${version ?? 'of an unknown version'}.`
    throw new StoreRefused(message, { trouble: 'outdated' })
  }

  async #claim(client: Client): Promise<void> {
    const { prefix, renamedFrom = '', claim } = this.#parts
    const server = this.#server
    // The server says what it is before it answers.
    if (server === undefined) return void (await client.ping())
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

/** A warning, and no failure. */
class UnreadableVersion extends Error {
  override readonly name = 'Warning'

  constructor(version: string | undefined) {
    const what =
      version === undefined
        ? 'The server does not say its version'
        : `The version of the server, ${JSON.stringify(version)}, cannot be read`
    super(`${what}. Redis ${OLDEST} or later is needed, or a server with the same commands.`)
  }
}

/** What INFO says, for a server without HELLO and for the author's client. A user that may not ask is not refused for it. */
async function askServer(client: Client): Promise<Greeting | undefined> {
  const info = await client.info('server').catch((error) => {
    if (!/NOPERM/.test(String(error))) throw error
  })
  if (info === undefined) return undefined
  // Valkey can be set to show names of its own.
  const [, mode] = /^(?:redis|server)_mode:(\w+)/m.exec(info) ?? []
  const [, version] = /^redis_version:(\S+)/m.exec(info) ?? []
  return { mode, version }
}
