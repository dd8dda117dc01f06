/** Requests per second of each server in each workload, as a ratio to a reference that is measured before and after. */
import type { RedisServer } from '../support/redis.ts'
import { isOther, type LoadProcess, type Server, type ServerName, startServer } from './processes.ts'
import type { WorkloadName } from './workloads.ts'

export interface Variant {
  name: string
  server: ServerName
  redis?: boolean
  revision?: string
  env?: Record<string, string>
  /** Where it is not that of the race. */
  workload?: WorkloadName
}

export interface Race {
  workload: WorkloadName
  /** The name for `--only`, where the workload has several races; default: that of the workload. */
  name?: string
  title: string
  reference: Variant
  others: Variant[]
  /** The goals: the least ratio of this project to the named server. */
  goals: { over: string; ratio: number }[]
  tools?: number
}

export const RAW: Variant = { name: 'raw', server: 'raw' }
export const RAW_REDIS: Variant = { name: 'raw+redis', server: 'raw', redis: true }
const OURS: Variant = { name: 'ours', server: 'ours', redis: true }
const OURS_MEMORY: Variant = { name: 'ours in memory', server: 'ours' }
const OURS_SEALED: Variant = { name: 'ours, sealed', server: 'ours', redis: true, env: { BENCH_SEALED: '1' } }
const SDK1: Variant = { name: 'SDK 1.x sessions', server: 'sdk1' }
const SDK2: Variant = { name: 'SDK 2.x sessions', server: 'sdk2' }
const LITE: Variant = { name: 'mcp-lite', server: 'mcp-lite', revision: '2025-06-18' }
const SDK2_STATELESS: Variant = { name: 'SDK 2.x stateless', server: 'sdk2', env: { BENCH_STATELESS: '1' } }
const telemetry = (name: string, wanted: string): Variant => ({
  ...OURS,
  name: `with ${name}`,
  env: { BENCH_TELEMETRY: wanted },
})
const STREAMING = { BENCH_STREAMING: '1' }

export const RACES: Race[] = [
  {
    workload: 'stateless',
    title: 'tool call, stateless revision',
    reference: RAW,
    others: [OURS, SDK2_STATELESS],
    goals: [{ over: 'raw', ratio: 0.9 }],
  },
  {
    workload: 'session',
    title: 'tool call in a session',
    reference: RAW_REDIS,
    others: [OURS, RAW, OURS_SEALED, OURS_MEMORY, SDK2, SDK1, LITE],
    goals: [{ over: 'raw+redis', ratio: 0.92 }],
  },
  {
    workload: 'session',
    name: 'telemetry',
    title: 'tool call in a session, with telemetry',
    reference: OURS,
    others: [
      telemetry('metrics', 'metrics'),
      telemetry('OpenTelemetry', 'otel'),
      telemetry('metrics and OpenTelemetry', 'metrics,otel'),
    ],
    goals: [],
  },
  {
    workload: 'initialize',
    title: 'initialize',
    reference: RAW_REDIS,
    others: [OURS, RAW, SDK2, SDK1, LITE],
    goals: [{ over: 'raw+redis', ratio: 0.9 }],
  },
  {
    workload: 'list',
    title: 'tools/list, 50 tools',
    reference: RAW,
    others: [OURS, SDK2, SDK1, LITE],
    goals: [{ over: 'raw', ratio: 2 }],
    tools: 50,
  },
  {
    workload: 'stream',
    title: 'streaming call, 10 progress messages',
    reference: RAW,
    others: [OURS, { ...SDK2, env: STREAMING }, { ...SDK1, env: STREAMING }, LITE],
    goals: [
      { over: 'raw', ratio: 0.5 },
      { over: 'SDK 1.x sessions', ratio: 1.5 },
    ],
  },
]

export interface Spread {
  median: number
  low: number
  high: number
}

export interface RaceResult {
  workload: string
  title: string
  reference: string
  variants: {
    name: string
    /** Requests per second. */
    rate: Spread
    /** The ratio to the reference in requests per second. */
    ratio: Spread
    /** The ratio to the reference by CPU time of the server per request. Below 1, the server takes more time. */
    cpuRatio: Spread
    /** CPU time of the server per request, µs. */
    cpu: number
    p50: number
    p99: number
    /** The shares of a core that the server and the load took. If the load's is near 1, the load limited the rate. */
    busy: number
    loadBusy: number
  }[]
  goals: { over: string; ratio: number; reached: number; byCpu: number }[]
}

export interface Effort {
  rounds: number
  ms: number
  warmUp: number
  connections: number
  only?: string[] | undefined
}

interface Measured {
  rate: number
  cpu: number
  p50: number
  p99: number
  busy: number
  loadBusy: number
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const at = (i: number) => sorted[i] ?? Number.NaN
  const median = sorted.length % 2 === 1 ? at(Math.floor(middle)) : (at(middle - 1) + at(middle)) / 2
  return { median, low: at(0), high: at(sorted.length - 1) }
}

/** @param root that of the servers of other packages, where the race has some */
export async function race(
  { workload, title, reference, others, goals, tools = 0 }: Race,
  loader: LoadProcess,
  redis: RedisServer,
  effort: Effort,
  root?: URL,
): Promise<RaceResult> {
  const { rounds, ms, warmUp, connections, only } = effort
  const chosen = only ? others.filter(({ name }) => only.includes(name)) : others
  const variants = [reference, ...chosen]
  const servers = new Map<Variant, Server>()
  try {
    for (const variant of variants) {
      const env = {
        ...variant.env,
        BENCH_TOOLS: String(tools),
        ...(variant.redis && { BENCH_REDIS: redis.url }),
      }
      servers.set(variant, await startServer(variant.server, env, isOther(variant.server) ? root : undefined))
    }
    const orderOf = (variant: Variant) => {
      const { revision = '2025-11-25', workload: own = workload } = variant
      return { port: (servers.get(variant) as Server).port, workload: own, revision, connections }
    }
    const measure = async (variant: Variant): Promise<Measured> => {
      const server = servers.get(variant) as Server
      const order = orderOf(variant)
      for (const other of servers.values()) if (other !== server) other.pause()
      server.resume()
      await loader.run({ ...order, ms: 0, warmUp })
      const before = await server.usage()
      const { requests, rate, p50, p99, busy } = await loader.run({ ...order, ms, warmUp: 0 })
      const cpu = ((await server.usage()).cpu - before.cpu) / requests
      return { rate, p50, p99, cpu, busy: (rate * cpu) / 1e6, loadBusy: busy }
    }
    // The warm-up is long enough for the JavaScript engine to compile everything.
    for (const variant of variants) await loader.run({ ...orderOf(variant), ms: 0, warmUp: 10 * warmUp })
    const kept = new Map<string, (Measured & { ratio: number; cpuRatio: number })[]>()
    const keep = (name: string, value: Measured & { ratio: number; cpuRatio: number }) =>
      kept.set(name, [...(kept.get(name) ?? []), value])
    for (let round = 0; round < rounds; round++) {
      let before = await measure(reference)
      for (const variant of chosen) {
        const own = await measure(variant)
        const after = await measure(reference)
        const ratio = (2 * own.rate) / (before.rate + after.rate)
        const cpuRatio = (before.cpu + after.cpu) / (2 * own.cpu)
        keep(variant.name, { ...own, ratio, cpuRatio })
        keep(reference.name, { ...after, ratio: after.rate / before.rate, cpuRatio: before.cpu / after.cpu })
        before = after
      }
    }
    const result = variants.map(({ name }) => {
      const values = kept.get(name) ?? []
      const of = (member: keyof Measured | 'ratio' | 'cpuRatio') => spread(values.map((value) => value[member]))
      return {
        name,
        rate: of('rate'),
        ratio: of('ratio'),
        cpuRatio: of('cpuRatio'),
        cpu: of('cpu').median,
        p50: of('p50').median,
        p99: of('p99').median,
        busy: of('busy').median,
        loadBusy: of('loadBusy').median,
      }
    })
    const of = (name: string, member: 'ratio' | 'cpuRatio') =>
      name === reference.name ? 1 : (result.find((one) => one.name === name)?.[member].median ?? Number.NaN)
    return {
      workload,
      title,
      reference: reference.name,
      variants: result,
      goals: goals.map((goal) => ({
        ...goal,
        reached: of('ours', 'ratio') / of(goal.over, 'ratio'),
        byCpu: of('ours', 'cpuRatio') / of(goal.over, 'cpuRatio'),
      })),
    }
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()))
  }
}
