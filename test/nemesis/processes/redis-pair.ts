/** A Redis and its replica. A failover promotes the replica and loses what was written shortly before. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import type { Timeline } from '../timeline.ts'

/** Written before each reply and read at the start: a kill of the process loses nothing. */
const ARGS = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--repl-diskless-sync-delay', '0']

interface Server {
  redis: RedisServer
  client: Redis
}

export class RedisPair {
  #primary: Server
  #replica: Server
  readonly #now: Timeline

  static async start(now: Timeline): Promise<RedisPair> {
    const [primary, replica] = await Promise.all([startServer(), startServer()])
    const pair = new RedisPair(primary, replica, now)
    await pair.#follow()
    return pair
  }

  private constructor(primary: Server, replica: Server, now: Timeline) {
    this.#primary = primary
    this.#replica = replica
    this.#now = now
  }

  get port(): number {
    return this.#primary.redis.port
  }

  /** A client of the primary, past all faults. */
  get client(): Redis {
    return this.#primary.client
  }

  pause(): void {
    this.#primary.redis.pause()
  }

  resume(): void {
    this.#primary.redis.resume()
  }

  async kill(): Promise<void> {
    await this.#primary.redis.kill()
  }

  /** Starts the killed primary again, from its file. */
  async restart(): Promise<void> {
    await this.#primary.redis.restart()
    await this.#follow()
  }

  /** Refuses every write for want of memory. */
  async fill(): Promise<void> {
    await this.#primary.client.config('SET', 'maxmemory', '1')
  }

  async empty(): Promise<void> {
    await this.#primary.client.config('SET', 'maxmemory', '0')
  }

  /**
   * Promotes the replica, and kills the primary `loss` ms later: what the primary wrote in between is lost. {@link port}
   * is that of the new primary when this resolves with the time of the loss.
   */
  async failOver(loss: number): Promise<{ from: number; to: number }> {
    await this.#caughtUp()
    const from = this.#now()
    await this.#replica.client.replicaof('NO', 'ONE')
    await sleep(loss)
    await this.#primary.redis.kill()
    const to = this.#now()
    ;[this.#primary, this.#replica] = [this.#replica, this.#primary]
    return { from, to }
  }

  /** Starts the former primary, as the replica. */
  async repair(): Promise<void> {
    await this.#replica.redis.restart()
    await this.#follow()
  }

  async stop(): Promise<void> {
    for (const { redis, client } of [this.#primary, this.#replica]) {
      client.disconnect()
      redis.resume()
      await redis.stop()
    }
  }

  async #follow(): Promise<void> {
    await this.#replica.client.replicaof('127.0.0.1', this.#primary.redis.port)
    await this.#caughtUp()
  }

  async #caughtUp(): Promise<void> {
    while ((await this.#primary.client.wait(1, 500)) < 1) await sleep(20)
  }
}

async function startServer(): Promise<Server> {
  const redis = await startRedis({ args: ARGS })
  const client = new Redis(redis.url, { maxRetriesPerRequest: null, retryStrategy: () => 50 })
  client.on('error', () => {})
  return { redis, client }
}
