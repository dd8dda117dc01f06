/** CPU time of Redis and of the instances for one operation, less what they take when nothing happens. */
import { Redis } from 'ioredis'
import type { RedisServer } from '../../support/redis.ts'
import type { Server } from '../processes.ts'

/** CPU time in us. */
export interface Cost {
  redis: number
  /** Of all instances together. */
  instances: number
  scripts: number
}

interface Reading extends Cost {
  /** ms */
  at: number
}

const NAMES = ['redis', 'instances', 'scripts'] as const

export class Meter {
  readonly #admin: Redis
  readonly #servers: readonly Server[]
  /** For each ms. */
  #idle: Cost = { redis: 0, instances: 0, scripts: 0 }

  constructor(redis: RedisServer, servers: readonly Server[]) {
    this.#admin = new Redis(redis.url)
    this.#servers = servers
  }

  async #read(): Promise<Reading> {
    const [info, usages] = await Promise.all([
      this.#admin.info('everything'),
      Promise.all(this.#servers.map((server) => server.usage())),
    ])
    const number = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0)
    // Seconds. Of the whole process: its writes may be threads of their own.
    const redis = (number('used_cpu_user') + number('used_cpu_sys')) * 1e6
    const scripts = [...info.matchAll(/^cmdstat_(?:eval|evalsha):calls=(\d+)/gm)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    )
    const instances = usages.reduce((sum, { cpu }) => sum + cpu, 0)
    return { at: performance.now(), redis, instances, scripts }
  }

  /** What `work` takes in all, without subtracting anything, and how many ms it took. */
  async #during(work: () => Promise<unknown>): Promise<Reading> {
    const before = await this.#read()
    await work()
    const after = await this.#read()
    const { redis, instances, scripts } = before
    return {
      at: after.at - before.at,
      redis: after.redis - redis,
      instances: after.instances - instances,
      scripts: after.scripts - scripts,
    }
  }

  /** Measures for `ms` what is taken when nothing happens, and subtracts that from now on. Per second of all instances. */
  async rest(ms: number): Promise<Cost> {
    const spent = await this.#during(() => new Promise((resolve) => setTimeout(resolve, ms)))
    this.#idle = each((name) => spent[name] / spent.at)
    return each((name) => this.#idle[name] * 1_000)
  }

  /** `work` does `count` operations. */
  async perOperation(count: number, work: () => Promise<unknown>): Promise<Cost> {
    const spent = await this.#during(work)
    return each((name) => Math.max(0, spent[name] - this.#idle[name] * spent.at) / count)
  }

  close(): void {
    this.#admin.disconnect()
  }
}

function each(value: (name: (typeof NAMES)[number]) => number): Cost {
  return { redis: value('redis'), instances: value('instances'), scripts: value('scripts') }
}
