/**
 * `npm run bench -- --against <checkout>`: this commit (B) beside the commit before it (A), row by row. A is measured
 * twice, as A and A', so that each row shows how much the machine alone changes a figure.
 *
 * Every round starts three fresh server processes and measures them in short slices, in random order within each slice:
 * the speed of the machine changes less within a slice than within a round, and two processes of the same commit differ.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkoutAt } from '../support/checkout.ts'
import { startRedis } from '../support/redis.ts'
import { firstAnswer } from './coldstart.ts'
import { type LoadProcess, OWN, pin, type Server, startLoad, startServer } from './processes.ts'
import { RACES, type Race, type Variant } from './throughput.ts'
import { type Comparison, compare, type Interval, MOST_ROUNDS, type Round } from './verdict.ts'

export interface AgainstOptions {
  /** The folder of the checkout of the commit before. */
  checkout: string
  /** Names of workloads, and `cold`; default: all. */
  only?: string[] | undefined
  /** To begin with; a noisy row gets more. */
  rounds?: number | undefined
  /** Shows only that everything works. */
  short?: boolean | undefined
}

interface Effort {
  /** In ms. While V8 still compiles, code in more and smaller functions looks slower than it is. */
  warmUp: number
  ms: number
  slices: number
  connections: number
}

interface Row {
  name: string
  rounds: number
  measure(): Promise<Round>
}

const ROUNDS = 10
const COLD_ROUNDS = 30
const WARM_UP_TURNS = 10

/**
 * Prints one line for each row. Resolves with false when a row is slower.
 * @throws Error with one line, when the checkout is not complete or no row is chosen.
 */
export async function against(options: AgainstOptions): Promise<boolean> {
  const { only, short = false } = options
  const before = checkoutAt(options.checkout, ['test/bench/servers/ours.ts', 'test/bench/cold/server.ts'])
  const most = short ? 1 : MOST_ROUNDS
  const rounds = Math.min(options.rounds ?? ROUNDS, most)
  const effort: Effort = short
    ? { warmUp: 10, ms: 20, slices: 1, connections: 4 }
    : { warmUp: 2_500, ms: 60, slices: 16, connections: 8 }
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-against-'))
  const loader = startLoad()
  try {
    // Races with a name of their own measure what the commit before may lack.
    const compared = RACES.filter(({ workload, name }) => name === undefined && (!only || only.includes(workload)))
    const rows: Row[] = compared.flatMap((race) =>
      race.others
        .filter(({ server }) => server === 'ours')
        .map((variant) => ({
          name: variant.name.replace('ours', race.workload),
          rounds,
          measure: () => measureRound(race, variant, before, loader, effort),
        })),
    )
    if (!only || only.includes('cold')) {
      const measure = await coldStarts(before, folder)
      rows.push({ name: 'cold start', rounds: Math.min(options.rounds ?? COLD_ROUNDS, most), measure })
    }
    if (rows.length === 0) throw new Error(`No workload has one of the names ${only?.join(', ')}.`)
    console.log('| workload | B/A as speed (95 %) | A’/A (95 %) | rounds | verdict |\n|---|--:|--:|--:|---|')
    let good = true
    for (const row of rows) {
      const comparison = await compare(row.measure, row.rounds, most)
      console.log(line(row.name, comparison))
      good &&= comparison.verdict !== 'slower'
    }
    return good
  } finally {
    await loader.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function line(name: string, { now, noise, rounds, verdict }: Comparison): string {
  const shown = ({ middle, low, high }: Interval) => `${middle.toFixed(3)} (${low.toFixed(3)}-${high.toFixed(3)})`
  return `| ${name} | ${shown(now)} | ${shown(noise)} | ${rounds} | ${verdict} |`
}

/** The three in random order. */
function shuffled(): (keyof Round)[] {
  const names: (keyof Round)[] = ['before', 'now', 'again']
  const keys = new Map(names.map((name) => [name, Math.random()]))
  return names.sort((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0))
}

/** CPU time per request of each, as the geometric mean over the slices. */
async function measureRound(
  { workload, tools = 0 }: Race,
  { redis: withRedis, env }: Variant,
  before: URL,
  loader: LoadProcess,
  { warmUp, ms, slices, connections }: Effort,
): Promise<Round> {
  const redis = await startRedis()
  pin(redis.pid, 'rest')
  const all = { ...env, BENCH_TOOLS: String(tools), ...(withRedis && { BENCH_REDIS: redis.url }) }
  const started: Server[] = []
  const start = async (root: URL) => {
    const server = await startServer('ours', all, root)
    started.push(server)
    return server
  }
  try {
    // In random order too: the process that starts first is a little slower than the others.
    const servers: Partial<Record<keyof Round, Server>> = {}
    for (const name of shuffled()) servers[name] = await start(name === 'now' ? OWN : before)
    for (const server of started) server.pause()
    const logs: Round = { before: 0, now: 0, again: 0 }
    const each = async (of: (server: Server, load: (ms: number) => Promise<number>) => Promise<number>) => {
      for (const name of shuffled()) {
        const server = servers[name]
        if (!server) continue
        const order = { port: server.port, workload, revision: '2025-11-25', connections, warmUp: 0 }
        server.resume()
        logs[name] += await of(server, async (ms) => (await loader.run({ ...order, ms })).requests)
        server.pause()
      }
    }
    // In turns: a server that stands still for a second loses its connection to Redis.
    for (let turn = 0; turn < WARM_UP_TURNS; turn++) {
      await each(async (_server, load) => {
        await load(warmUp / WARM_UP_TURNS)
        return 0
      })
    }
    for (let slice = 0; slice < slices; slice++) {
      await each(async (server, load) => {
        const { cpu } = await server.usage()
        const requests = await load(ms)
        return Math.log(((await server.usage()).cpu - cpu) / requests) / slices
      })
    }
    return { before: Math.exp(logs.before), now: Math.exp(logs.now), again: Math.exp(logs.again) }
  } finally {
    await Promise.all(started.map((server) => server.stop()))
    await redis.stop()
  }
}

/** Bundles both, each with its own build. What is returned measures a cold start of each, in ms. */
async function coldStarts(before: URL, folder: string): Promise<() => Promise<Round>> {
  const built = async (root: URL, name: string) => {
    const { bundle }: typeof import('../../tools/build.ts') = await import(new URL('tools/build.ts', root).href)
    const out = join(folder, name)
    await bundle({ server: fileURLToPath(new URL('test/bench/cold/server.ts', root)), out })
    return join(out, 'node', 'server.mjs')
  }
  const old = await built(before, 'before')
  const scripts: Record<keyof Round, string> = { before: old, now: await built(OWN, 'now'), again: old }
  const measure = async () => {
    const redis = await startRedis()
    try {
      const round: Round = { before: 0, now: 0, again: 0 }
      for (const name of shuffled()) round[name] = await firstAnswer(scripts[name], redis.url)
      return round
    } finally {
      await redis.stop()
    }
  }
  // The first start of each reads its files for the first time, and is not counted.
  await measure()
  return measure
}
