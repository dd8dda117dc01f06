/** A Redis and its replica. A failover promotes the replica and loses what was written shortly before. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisStoreOptions } from '../../../lib/store/redis/index.ts'
import { startRedis } from '../../support/redis.ts'
import type { StoreFault } from '../faults.ts'
import type { Fault } from '../history.ts'
import type { Timeline } from '../timeline.ts'
import { DURABLE, isFollowed, keysOf, type Node, nodeOf, stopNode } from './failing-node.ts'
import type { Measure, StoreServers } from './store-servers.ts'

export class RedisPair implements StoreServers {
  #primary: Node
  #replica: Node
  readonly #now: Timeline
  readonly unplanned = []

  static async start(now: Timeline): Promise<RedisPair> {
    const [primary, replica] = await Promise.all([startServer(), startServer()])
    const pair = new RedisPair(primary, replica, now)
    await pair.#follow()
    return pair
  }

  private constructor(primary: Node, replica: Node, now: Timeline) {
    this.#primary = primary
    this.#replica = replica
    this.#now = now
  }

  get port(): number {
    return this.#primary.redis.port
  }

  options(link: number): RedisStoreOptions {
    return { url: `redis://127.0.0.1:${link}` }
  }

  async trouble(kind: StoreFault, { ms, part }: Measure, fault: Fault, moved: () => void): Promise<void> {
    const { redis, client } = this.#primary
    if (kind === 'redis pause') {
      redis.pause()
      await sleep(ms)
      redis.resume()
    } else if (kind === 'redis kill') {
      await redis.kill()
      await sleep(ms * part)
      // From its file.
      await redis.restart()
      await this.#follow()
    } else if (kind === 'redis full') {
      // Refuses every write for want of memory.
      await client.config('SET', 'maxmemory', '1')
      await sleep(ms)
      await client.config('SET', 'maxmemory', '0')
    } else {
      fault.lost = await this.#failOver(20 + part * 1_000)
      await sleep(ms * part)
      moved()
      fault.to = this.#now()
      // The former primary is the replica.
      await this.#replica.redis.restart()
      await this.#follow()
    }
  }

  async cut(): Promise<void> {}

  keys(): Promise<{ key: string; lifetime: number }[]> {
    return keysOf(this.#primary)
  }

  fields(key: string): Promise<string[]> {
    return this.#primary.client.hkeys(key)
  }

  /**
   * Promotes the replica, and kills the primary `loss` ms later: what the primary wrote in between is lost. {@link port}
   * is that of the new primary when this resolves with the time of the loss.
   */
  async #failOver(loss: number): Promise<{ from: number; to: number }> {
    const from = await this.#caughtUp()
    await this.#replica.client.replicaof('NO', 'ONE')
    await sleep(loss)
    await this.#primary.redis.kill()
    const to = this.#now()
    ;[this.#primary, this.#replica] = [this.#replica, this.#primary]
    return { from, to }
  }

  async stop(): Promise<void> {
    await stopNode(this.#primary)
    await stopNode(this.#replica)
  }

  async #follow(): Promise<void> {
    await this.#replica.client.replicaof('127.0.0.1', this.#primary.redis.port)
    await this.#caughtUp()
  }

  /** The replica has all that the primary had written before the time with which this resolves. */
  async #caughtUp(): Promise<number> {
    for (;;) {
      const from = this.#now()
      if (await isFollowed(this.#primary, [this.#replica])) return from
      await sleep(20)
    }
  }
}

async function startServer(): Promise<Node> {
  return nodeOf(await startRedis({ args: DURABLE }))
}
