/**
 * A cluster of three primaries with a replica each, or a primary with two replicas that Sentinels watch. The servers decide
 * themselves when a replica takes over. What a primary wrote shortly before, and what one writes that does not know yet that
 * it is none, is lost then.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisStoreOptions } from '../../../lib/store/redis/index.ts'
import { startCluster, startRedis } from '../../support/redis.ts'
import type { StoreFault } from '../faults.ts'
import type { Fault } from '../history.ts'
import type { Timeline } from '../timeline.ts'
import { DURABLE, isFollowed, keysOf, type Node, nodeOf, roleOf, stopNode } from './failing-node.ts'
import type { Measure, StoreServers } from './store-servers.ts'

const SENTINEL_NAME = 'nemesis'
/** How long a server may not answer before the others take it for dead, in ms. */
const DEAD_AFTER = 1_500
/** From one look at the primaries to the next, in ms, and how far a replica may be behind. */
const WATCH_EVERY = 200
const LAG = 3_000
/** For how long no server is a primary until the operator acts, in ms. */
const STUCK = 10_000
/** After so many ms the servers have given up a failover that they were asked for. */
const GIVEN_UP = 6_000
/** Servers that have chosen no new primary for so many ms do not before the former one is back: their replicas are too old. */
const LONGEST_ELECTION = 20_000

interface Parts {
  nodes: Node[]
  sentinels: Node[]
  /** How many of the nodes are primaries. */
  primaries: number
  /** What the instances get. */
  options: RedisStoreOptions
}

export class Replicated implements StoreServers {
  readonly port = undefined
  readonly unplanned: Fault[] = []
  readonly #parts: Parts
  readonly #now: Timeline
  /** A fault is under way: it finds the failovers itself. */
  #busy = false
  /** The ports of every primary that was seen since the fault began. */
  readonly #seen = new Set<number>()
  /** The ports of the primaries when every server had its place. */
  #known: number[] = []
  /** When there was no other primary, last. */
  #looked = 0
  #watching: Promise<void> | undefined
  #stopped = false

  private constructor(parts: Parts, now: Timeline) {
    this.#parts = parts
    this.#now = now
  }

  static async cluster(now: Timeline): Promise<Replicated> {
    const { nodes } = await startCluster({
      masters: 3,
      replicas: 1,
      args: [...DURABLE, '--cluster-node-timeout', String(DEAD_AFTER)],
    })
    const hosts = nodes.slice(0, 3).map(({ host, port }) => `${host}:${port}`)
    const options = { url: `redis+cluster://${hosts.join()}`, busSlots: 3 }
    const parts = { nodes: nodes.map(nodeOf), sentinels: [], primaries: 3, options }
    return Replicated.#settled(parts, now)
  }

  static async sentinel(now: Timeline): Promise<Replicated> {
    const primary = await startRedis({ args: DURABLE })
    const follow = ['--replicaof', primary.host, String(primary.port)]
    const replicas = await Promise.all([0, 1].map(() => startRedis({ args: [...DURABLE, ...follow] })))
    const lines = [
      `sentinel monitor ${SENTINEL_NAME} ${primary.host} ${primary.port} 2`,
      `sentinel down-after-milliseconds ${SENTINEL_NAME} ${DEAD_AFTER}`,
      `sentinel failover-timeout ${SENTINEL_NAME} 3000`,
      `sentinel parallel-syncs ${SENTINEL_NAME} 2`,
    ]
    const sentinels = await Promise.all([0, 1, 2].map(() => startRedis({ sentinel: lines })))
    const hosts = sentinels.map(({ host, port }) => `${host}:${port}`)
    const options = { url: `redis+sentinel://${hosts.join()}/${SENTINEL_NAME}` }
    const nodes = [primary, ...replicas].map(nodeOf)
    const settled = await Replicated.#settled({ nodes, sentinels: sentinels.map(nodeOf), primaries: 1, options }, now)
    await settled.#watched()
    return settled
  }

  static async #settled(parts: Parts, now: Timeline): Promise<Replicated> {
    const servers = new Replicated(parts, now)
    await servers.#learn()
    servers.#watching = servers.#watch()
    return servers
  }

  options(): RedisStoreOptions {
    return this.#parts.options
  }

  async trouble(kind: StoreFault, measure: Measure, fault: Fault): Promise<void> {
    if (kind === 'redis full') return this.#fill(measure)
    this.#busy = true
    await this.#failOver(kind, measure, fault).finally(() => {
      this.#busy = false
    })
  }

  async #failOver(kind: StoreFault, measure: Measure, fault: Fault): Promise<void> {
    await this.#settle()
    // One that nobody planned may have come since the last look.
    await this.#notice()
    const { primary, from } = await this.#followed(measure)
    const before = this.#known
    this.#seen.clear()
    // Until it is known whether a replica took over.
    fault.lost = { from, to: Number.POSITIVE_INFINITY }
    if (kind === 'redis pause') {
      primary.redis.pause()
      await sleep(measure.ms)
      primary.redis.resume()
    } else if (kind === 'redis failover' && measure.part < 0.4) await this.#handOver(primary)
    else {
      await primary.redis.kill()
      if (kind === 'redis failover') await this.#promoted(before)
      await sleep(measure.ms * measure.part)
      await primary.redis.restart()
    }
    await this.#learn()
    // One that took over may have been replaced by the former primary since.
    const primaries = [...this.#seen, ...this.#known]
    if (primaries.every((port) => before.includes(port))) delete fault.lost
    else fault.lost.to = this.#now()
  }

  async cut(measure: Measure): Promise<void> {
    const { primary } = await this.#followed(measure)
    await primary.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes').catch(() => {})
  }

  async keys(): Promise<{ key: string; lifetime: number }[]> {
    return (await Promise.all((await this.#primaries()).map(keysOf))).flat()
  }

  async fields(key: string): Promise<string[]> {
    for (const { client } of await this.#primaries()) {
      const fields = await client.hkeys(key).catch((error: Error) => {
        if (!error.message.startsWith('MOVED')) throw error
      })
      if (fields) return fields
    }
    return []
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#watching
    await Promise.all([...this.#parts.sentinels, ...this.#parts.nodes].map(stopNode))
  }

  /** Records the failovers that no fault causes. */
  async #watch(): Promise<void> {
    while (!this.#stopped) {
      await sleep(WATCH_EVERY)
      const wasBusy = this.#busy
      for (const port of await this.#ports()) this.#seen.add(port)
      if (!wasBusy && !this.#busy) await this.#notice()
    }
  }

  /** Records a failover since the last look, and waits until it is over. */
  async #notice(): Promise<void> {
    const from = this.#looked - LAG
    const looked = this.#now()
    if ((await this.#ports()).some((port) => !this.#known.includes(port))) {
      const lost = { from, to: Number.POSITIVE_INFINITY }
      const fault: Fault = { kind: 'redis failover', process: '', from, lost }
      this.unplanned.push(fault)
      await this.#learn()
      fault.to = lost.to = this.#now()
    } else this.#looked = looked
  }

  async #ports(): Promise<number[]> {
    return (await this.#primaries()).map(({ redis }) => redis.port)
  }

  /** Refuses every write for want of memory. */
  async #fill({ ms }: Measure): Promise<void> {
    const { nodes } = this.#parts
    const limit = (bytes: string) => Promise.all(nodes.map(({ client }) => client.config('SET', 'maxmemory', bytes)))
    await limit('1')
    await sleep(ms)
    await limit('0')
  }

  /** A replica takes over in agreement, without the death of its primary. */
  async #handOver(primary: Node): Promise<void> {
    const [sentinel] = this.#parts.sentinels
    const isOver = async () => !(await this.#primaries()).some(({ redis }) => redis.port === primary.redis.port)
    let again = this.#now()
    do {
      if (this.#now() >= again) {
        // Refused for a while after a failover, and where a server answers late. The servers give up one that takes too long.
        const [replica] = sentinel ? [] : await this.#replicasOf(primary)
        const begun = sentinel
          ? await done(sentinel.client.call('SENTINEL', 'FAILOVER', SENTINEL_NAME))
          : replica !== undefined && (await done(replica.client.call('CLUSTER', 'FAILOVER')))
        again = this.#now() + (begun ? GIVEN_UP : 200)
      }
      await sleep(50)
    } while (!(await isOver()))
  }

  /** A replica is a primary that was none. */
  async #promoted(before: readonly number[]): Promise<void> {
    const until = this.#now() + LONGEST_ELECTION
    while ((await this.#ports()).every((port) => before.includes(port)) && this.#now() < until) await sleep(50)
  }

  /** A primary of which a replica has all that was written before `from`. */
  async #followed({ part }: Measure): Promise<{ primary: Node; from: number }> {
    for (;;) {
      const all = await this.#primaries()
      const primary = all[Math.floor(part * 97) % Math.max(1, all.length)]
      const from = this.#now()
      if (primary && (await isFollowed(primary, await this.#replicasOf(primary)))) return { primary, from }
      await sleep(20)
    }
  }

  async #primaries(): Promise<Node[]> {
    const roles = await Promise.all(this.#parts.nodes.map(roleOf))
    return this.#parts.nodes.filter((_, i) => roles[i]?.[0] === 'master')
  }

  async #replicasOf({ redis }: Node): Promise<Node[]> {
    const roles = await Promise.all(this.#parts.nodes.map(roleOf))
    return this.#parts.nodes.filter((_, i) => roles[i]?.[0] === 'slave' && Number(roles[i]?.[2]) === redis.port)
  }

  /** Every server has its place again, and those that are primaries are known. */
  async #learn(): Promise<void> {
    this.#known = await this.#settle()
    this.#looked = this.#now()
  }

  /** Resolves with the ports of the primaries: there are as many as there should be, and replicas that follow them. */
  async #settle(): Promise<number[]> {
    const { nodes, primaries } = this.#parts
    let since = this.#now()
    for (;;) {
      const roles = await Promise.all(nodes.map(roleOf))
      if (!roles.every((role) => role?.[0] === 'slave')) since = this.#now()
      else if (this.#now() - since > STUCK) await this.#repair()
      const masters = nodes.filter((_, i) => roles[i]?.[0] === 'master').map(({ redis }) => redis.port)
      const follow = roles.filter((role) => role?.[3] === 'connected' && masters.includes(Number(role[2])))
      const placed = masters.length === primaries && follow.length === nodes.length - primaries
      if (placed && (await this.#agreed(masters))) return masters
      await sleep(50)
    }
  }

  /**
   * What an operator does where no server is a primary: two plans that meet can have the servers follow each other, and Sentinels
   * promote none that was without its primary for long.
   */
  async #repair(): Promise<void> {
    const [sentinel] = this.#parts.sentinels
    const named = await sentinel?.client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', SENTINEL_NAME)
    const port = Number(Array.isArray(named) ? named[1] : undefined)
    await this.#parts.nodes.find(({ redis }) => redis.port === port)?.client.replicaof('NO', 'ONE')
  }

  /** Nobody is about to make another server the primary: such a plan and the next fault can leave none. */
  async #agreed(masters: readonly number[]): Promise<boolean> {
    const { nodes, sentinels } = this.#parts
    if (sentinels.length === 0) {
      const views = await Promise.all(nodes.map(({ client }) => client.cluster('NODES').catch(() => 'fail')))
      return views.every((view) => !/\bfail\b/.test(String(view)))
    }
    const views = sentinels.map(async ({ client }) => {
      const reply = await client.call('SENTINEL', 'MASTER', SENTINEL_NAME)
      if (!Array.isArray(reply)) return false
      const of = (name: string) => String(reply[reply.indexOf(name) + 1])
      return of('flags') === 'master' && masters.includes(Number(of('port')))
    })
    return (await Promise.all(views)).every(Boolean)
  }

  /** Every Sentinel knows the others and the replicas. */
  async #watched(): Promise<void> {
    const knows = async ({ client }: Node) =>
      /status=ok,.*slaves=2,sentinels=3/.test(String(await client.call('INFO', 'sentinel')))
    while (!(await Promise.all(this.#parts.sentinels.map(knows))).every(Boolean)) await sleep(50)
  }
}

function done(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  )
}
