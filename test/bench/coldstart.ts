/**
 * The size of the bundles, and the CPU time from the start of a process to its first response. The Node bundle with Redis
 * is compared with Hono and ioredis in a bundle of the same settings, with the same changes to ioredis.
 * `node test/bench/coldstart.ts` prints this alone.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Metafile } from 'esbuild'
import { sizesOf as startSize } from '../../lib/cli/build/sizes.ts'
import { bundle, bundleReference } from '../../tools/build.ts'
import { startRedis } from '../support/redis.ts'
import { pinned } from './processes.ts'

export interface BundleSize {
  name: string
  /**
   * Minified bytes that are loaded at the start, without the author's server and its packages, and bytes that may
   * follow.
   */
  own: number
  later: number
}

export interface ColdStart {
  sizes: BundleSize[]
  /** The CPU time of the process until its first response in each round, in ms. */
  endpoint: number[]
  raw: number[]
  /** The median of the ratios of the pairs, endpoint to reference. */
  ratio: number
}

/** The greatest ratio that meets the goal. */
export const COLD_START_GOAL = 1.1

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** Builds both bundles, and starts them in turn `rounds` times. */
export async function measureColdStart(rounds = 15): Promise<ColdStart> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-cold-'))
  const redis = await startRedis()
  try {
    const built = await bundle({ server: file('cold/server.ts'), out: join(folder, 'ours') })
    await bundleReference({ raw: file('cold/raw.ts') }, join(folder, 'raw'))
    const ours = join(folder, 'ours', 'node', 'server.mjs')
    const reference = join(folder, 'raw', 'raw.mjs')
    const endpoint: number[] = []
    const raw: number[] = []
    // The first round reads the files from disk and is not counted.
    for (let round = 0; round <= rounds; round++) {
      const [mine, theirs] =
        round % 2 === 0
          ? [await firstAnswer(ours, redis.url), await firstAnswer(reference, redis.url)]
          : [await firstAnswer(reference, redis.url), await firstAnswer(ours, redis.url)].reverse()
      if (round === 0) continue
      endpoint.push(mine ?? 0)
      raw.push(theirs ?? 0)
    }
    return { sizes: sizesOf(built), endpoint, raw, ratio: median(endpoint.map((value, i) => value / (raw[i] ?? 1))) }
  } finally {
    await redis.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The sizes of the entries of both platforms. */
export function sizesOf(built: Record<string, Metafile>): BundleSize[] {
  const entries = [
    ['Lambda', 'lambda', 'lambda'],
    ['Node', 'node', 'server'],
  ] as const
  return entries.map(([name, platform, entry]) => {
    const { own, later } = startSize(built[platform]!, entry)
    return { name, own, later }
  })
}

/** A key, as every deployment of several instances has one. */
const MCP_SECRET = Buffer.alloc(32, 7).toString('base64')

const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1' } },
})

/** Measures the CPU time of the process from its start to the end of its response to `initialize` with Redis, in ms. */
export async function firstAnswer(script: string, redisUrl: string): Promise<number> {
  const [command = '', ...args] = [...(pinned ? ['taskset', '-c', '0'] : []), process.execPath, script]
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, NODE_ENV: 'production', PORT: '0', LOG: '0', MCP_SECRET, REDIS_URL: redisUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    let output = ''
    for await (const chunk of child.stdout) {
      output += String(chunk)
      const url = /http:\S+\/mcp(?=\n)/.exec(output)?.[0]
      if (url === undefined) continue
      const status = await ask(url)
      if (status !== 200) throw new Error(`${script} answered ${status}.`)
      return cpuTime(child.pid ?? 0)
    }
    throw new Error(`${script} did not start: ${output}`)
  } finally {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
}

/** The CPU time of all threads of a process, in ms. The figures of a busy machine are those of a quiet one. */
function cpuTime(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const times = threads.map((id) => Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]))
  return times.reduce((sum, time) => sum + time, 0) / 1e6
}

function ask(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    const sent = request(url, { method: 'POST', headers, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    sent.on('error', reject).end(INITIALIZE)
  })
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

/** Prints the result as a table. */
export function printColdStart(
  { sizes, endpoint, raw, ratio }: ColdStart,
  print: (line: string) => void = console.log,
): void {
  print(
    'Bundle, minified: what is loaded at the start (without the author’s server), and what is loaded when it is used',
  )
  for (const { name, own, later } of sizes) {
    print(`  ${name.padEnd(22)} ${(own / 1000).toFixed(0).padStart(6)} KB ${(later / 1000).toFixed(0).padStart(6)} KB`)
  }
  print('CPU time from the start of the process to the first answer, with Redis: median (least to most)')
  for (const [name, values] of [
    ['endpoint', endpoint],
    ['Hono with ioredis', raw],
  ] as const) {
    const range = `(${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)})`
    print(`  ${name.padEnd(22)} ${median(values).toFixed(0).padStart(6)} ms ${range}`)
  }
  print(`  ratio ${ratio.toFixed(2)}, to be at most ${COLD_START_GOAL}`)
}

if (process.argv[1] === import.meta.filename) printColdStart(await measureColdStart())
