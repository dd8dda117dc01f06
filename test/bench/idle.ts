/** What tens of thousands of GET streams cost while nothing happens: their heartbeats. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { type RedisServer, startCluster, startRedis } from '../support/redis.ts'
import { type Holders, holdStreams, pin, startServer } from './processes.ts'
import type { Figure } from './report.ts'

const INSTANCES = 3
/** µs that a command of Redis may take before it is counted as slow. */
const SLOW = 2_000

/** Per second, in all of Redis and all instances together. */
export interface Idle {
  streams: number
  /** From one heartbeat of a stream to the next, in ms. */
  heartbeat: number
  scripts: number
  /** How often a node of Redis reads from a connection. */
  reads: number
  /** µs. */
  redisCpu: number
  instanceCpu: number
  /** Commands that took longer than 2 ms, in the whole time. */
  slow: number
  nodes: number
  errors: number
}

interface Order {
  streams: number
  /** ms */
  heartbeat: number
}

/** Measures with so many nodes of Redis: one stands alone. */
export async function idle(nodes: number, order: Order): Promise<Idle> {
  if (nodes === 1) {
    const redis = await startRedis()
    return measure([redis], order).finally(() => redis.stop())
  }
  const cluster = await startCluster({ masters: nodes })
  return measure(cluster.nodes, order).finally(() => cluster.stop())
}

async function measure(nodes: RedisServer[], { streams, heartbeat }: Order): Promise<Idle> {
  for (const { pid } of nodes) pin(pid, 'rest')
  const admins = nodes.map(({ url }) => new Redis(url))
  const options = JSON.stringify({ session: { maxStreams: 15_000, heartbeat } })
  const env = { BENCH_REDIS: nodes.map(({ url }) => url).join(','), BENCH_OPTIONS: options }
  const servers = await Promise.all(Array.from({ length: INSTANCES }, () => startServer('ours', env)))
  const holders: Holders[] = []
  try {
    const ports = servers.map(({ port }) => port)
    await holdStreams(holders, ports, streams)
    const now = async () => {
      const usages = await Promise.all(servers.map((server) => server.usage()))
      const infos = await Promise.all(admins.map((admin) => admin.info('everything')))
      const sum = (pattern: RegExp) =>
        infos.reduce((all, text) => all + [...text.matchAll(pattern)].reduce((some, [, n]) => some + Number(n), 0), 0)
      return {
        at: performance.now(),
        scripts: sum(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm),
        reads: sum(/^total_reads_processed:(\d+)/gm),
        redisCpu: 1e6 * sum(/^used_cpu_(?:sys|user):([\d.]+)/gm),
        instanceCpu: usages.reduce((all, { cpu }) => all + cpu, 0),
        errors: usages.reduce((all, { errors }) => all + errors, 0),
      }
    }
    // The first round of heartbeats compiles what they run, and gives the scripts to Redis.
    await sleep(heartbeat)
    for (const admin of admins) await admin.config('SET', 'slowlog-log-slower-than', SLOW, 'slowlog-max-len', 10_000)
    await Promise.all(admins.map((admin) => admin.slowlog('RESET')))
    const before = await now()
    await sleep(2 * heartbeat)
    const after = await now()
    const lengths = await Promise.all(admins.map((admin) => admin.slowlog('LEN')))
    const seconds = (after.at - before.at) / 1_000
    const rate = (member: 'scripts' | 'reads' | 'redisCpu' | 'instanceCpu') =>
      (after[member] - before[member]) / seconds
    return {
      streams,
      heartbeat,
      scripts: rate('scripts'),
      reads: rate('reads'),
      redisCpu: rate('redisCpu'),
      instanceCpu: rate('instanceCpu'),
      slow: lengths.reduce<number>((all, length) => all + Number(length), 0),
      nodes: nodes.length,
      errors: after.errors,
    }
  } finally {
    await Promise.all([...holders, ...servers].map((one) => one.stop()))
    for (const admin of admins) admin.disconnect()
  }
}

/** One script for so many heartbeats at least: 20,000 streams have 1,333 a second. Few streams do not fill a script. */
const FEWER = 6.6
const MANY = 1_000

export function idleFigures(measured: Idle): Figure[] {
  const { streams, heartbeat, scripts, reads, redisCpu, instanceCpu, slow, nodes, errors } = measured
  const beats = (1_000 * streams) / heartbeat
  const single = nodes === 1
  const bounded = single && streams >= MANY
  const where = single ? 'one Redis' : `a cluster of ${nodes}`
  const percent = (us: number) => `${(us / 1e4).toFixed(1)} % of a core`
  const seen = (name: string, value: string) => ({ name, value, goal: '', met: true })
  return [
    {
      name: `${streams} idle GET streams on three instances, ${where}: scripts a second`,
      value: `${scripts.toFixed(0)} (${beats.toFixed(0)} heartbeats)`,
      goal: bounded ? `at most ${(beats / FEWER).toFixed(0)}` : '',
      met: !bounded || scripts <= beats / FEWER,
    },
    seen('the same: reads of Redis from its connections, a second', reads.toFixed(0)),
    seen('the same: Redis', `${percent(redisCpu)}, ${(redisCpu / beats).toFixed(1)} us for a heartbeat`),
    seen('the same: each instance', percent(instanceCpu / INSTANCES)),
    seen('the same: scripts that ran for over 2 ms', String(slow)),
    { name: 'the same: errors that the instances reported', value: String(errors), goal: '0', met: errors === 0 },
  ]
}
