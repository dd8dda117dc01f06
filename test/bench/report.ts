/** The results as a table, as JSON and as a chart. */
import { cpus, release, totalmem } from 'node:os'
import type { Announced } from './announce.ts'
import type { ComparisonResult } from './compare/text.ts'
import type { BusCost } from './operations/bus.ts'
import type { StepCosts } from './operations/durable.ts'
import type { Operation } from './operations/operations.ts'
import type { TaskCosts } from './operations/tasks.ts'
import { pinned } from './processes.ts'
import type { Asked, Flood, RedisBytes } from './scenarios.ts'
import type { RaceResult, Spread } from './throughput.ts'

/** A figure that is not a race, with its goal. */
export interface Figure {
  name: string
  value: string
  goal: string
  met: boolean
}

export interface Report {
  machine: string
  node: string
  date: string
  rounds: number
  connections: number
  races: RaceResult[]
  figures: Figure[]
  /** What operations cost, and the bus. */
  ceilings?: { operations: Operation[]; bus: BusCost[] } | undefined
  /** What the steps of durable calls send to Redis. */
  durable?: StepCosts | undefined
  /** What the steps of tasks send to Redis. */
  tasks?: TaskCosts | undefined
  /** Beside other packages. */
  comparison?: ComparisonResult | undefined
}

export function machine(): string {
  const [first] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  const place = pinned ? 'server on core 0, load and Redis on the others' : 'not pinned'
  return `${cpus().length} x ${first?.model.trim() ?? 'unknown'}, ${memory} GiB, Linux ${release()}, ${place}`
}

const two = (value: number) => value.toFixed(2)
const withSpread = ({ median, low, high }: Spread) => `${two(median)} (${two(low)}-${two(high)})`
const latency = ({ p50, p99 }: { p50: Spread; p99: Spread }) => `p50 ${withSpread(p50)} ms, p99 ${withSpread(p99)} ms`

export interface Scenarios {
  asked: Asked
  resume: { ms: Spread; rate: number }
  events: number
  fanOut: Spread
  streams: number
  bytes: RedisBytes
  memory: { raw: { heap: number; rss: number }; ours: { heap: number; rss: number }; open: number }
  growth: { few: number; many: number; ratio: Spread }
  flood: Flood
  coldStart?: { ratio: number; goal: number } | undefined
}

export function announceFigures(a: Announced): Figure[] {
  const list: Figure[] = [
    {
      name: `one list change to ${a.streams} GET streams on three instances`,
      value: `${(a.last / 1_000).toFixed(1)} s to the last`,
      goal: '',
      met: true,
    },
    {
      name: 'the slowest ordinary call meanwhile',
      value: `${a.slowest.toFixed(0)} ms (of ${a.calls})`,
      goal: '',
      met: true,
    },
    { name: 'ordinary calls that were refused meanwhile', value: String(a.refused), goal: '0', met: a.refused === 0 },
    { name: 'errors that the instances reported', value: String(a.errors), goal: '0', met: a.errors === 0 },
  ]
  return list
}

export function figures(s: Scenarios): Figure[] {
  const more = (s.memory.ours.heap - s.memory.raw.heap) / 1_024
  const list: Figure[] = [
    {
      name: 'ask answered on another instance, Redis round trips',
      value: `${s.asked.roundTrips} (${s.asked.commands.join(', ')})`,
      goal: 'at most 3',
      met: s.asked.roundTrips <= 3,
    },
    {
      name: 'the same, from the call to its result',
      value: `${s.asked.latency.median.toFixed(1)} ms`,
      goal: '',
      met: true,
    },
    {
      name: `resume of a log of ${s.events} events`,
      value: `${s.resume.ms.median.toFixed(1)} ms (${Math.round(s.resume.rate)} events/s)`,
      goal: '',
      met: true,
    },
    {
      name: `one update to ${s.streams} GET streams on three instances`,
      value: `${s.fanOut.median.toFixed(0)} ms (${s.fanOut.low.toFixed(0)}-${s.fanOut.high.toFixed(0)}) to the last`,
      goal: '',
      met: true,
    },
    {
      name: 'idle session in Redis',
      value: `${s.bytes.idleSession} bytes`,
      goal: 'at most 640',
      met: s.bytes.idleSession <= 640,
    },
    {
      name: 'streaming call in Redis, beside its session',
      value: `${s.bytes.streamingCall} bytes`,
      goal: '',
      met: true,
    },
    { name: 'event in a log in Redis', value: `${Math.round(s.bytes.logEvent)} bytes`, goal: '', met: true },
    {
      name: `open GET stream in an instance (${s.memory.open} of them), more than a bare Hono stream`,
      value: `${more.toFixed(1)} KB of heap and buffers (${two(s.memory.ours.heap / 1_024)} and ${two(s.memory.raw.heap / 1_024)})`,
      goal: 'at most 4 KB',
      met: more <= 4,
    },
    {
      name: `tool calls with ${s.growth.many} sessions in Redis, over those with ${s.growth.few}`,
      value: withSpread(s.growth.ratio),
      goal: '1 within the spread',
      met: s.growth.ratio.high >= 1,
    },
    { name: 'ordinary client alone, tool calls in a session', value: latency(s.flood.alone), goal: '', met: true },
    { name: 'the same, beside a client at three times its limit', value: latency(s.flood.beside), goal: '', met: true },
    {
      name: 'that client’s requests that got 429',
      value: withSpread(s.flood.refused),
      goal: 'two thirds',
      met: Math.abs(s.flood.refused.median - 2 / 3) < 0.1,
    },
    {
      name: 'the ordinary client’s requests that got 429 or 5xx',
      value: String(s.flood.failures),
      goal: '0',
      met: s.flood.failures === 0,
    },
  ]
  if (s.coldStart) {
    const { ratio, goal } = s.coldStart
    list.push({
      name: 'cold start, over raw Hono with ioredis',
      value: two(ratio),
      goal: `at most ${goal}`,
      met: ratio <= goal,
    })
  }
  return list
}

/** Where and when it was measured. */
export function machineText({ machine: where, node, date, rounds, connections }: Report): string {
  return `${where}, Node ${node}, ${date}: one run, ${rounds} rounds, ${connections} connections.`
}

/** Every server of every workload, with the goals below. */
export function racesText(races: readonly RaceResult[]): string {
  return table({ races: [...races], figures: [] }).trim()
}

/** The results as a Markdown table. */
export function table({ races, figures: list }: Pick<Report, 'races' | 'figures'>): string {
  const lines: string[] = []
  for (const { title, reference, variants, goals } of races) {
    lines.push(`\n**${title}** (reference: ${reference})\n`)
    lines.push(
      '| server | requests/s | ratio | CPU per request | ratio by CPU | p50 ms | p99 ms | busy: server, load |',
    )
    lines.push('|---|--:|--:|--:|--:|--:|--:|--:|')
    for (const { name, rate, ratio, cpu, cpuRatio, p50, p99, busy, loadBusy } of variants) {
      const cells = [
        Math.round(rate.median),
        withSpread(ratio),
        `${cpu.toFixed(1)} us`,
        withSpread(cpuRatio),
        two(p50),
        two(p99),
        `${two(busy)}, ${two(loadBusy)}`,
      ]
      lines.push(`| ${name} | ${cells.join(' | ')} |`)
    }
    for (const { over, ratio, reached, byCpu } of goals) {
      lines.push(`\nOver ${over}: ${two(reached)}, by CPU ${two(byCpu)}; wanted ${ratio}.`)
    }
  }
  if (list.length > 0) {
    lines.push('\n| figure | measured | wanted |', '|---|---|---|')
    for (const { name, value, goal, met } of list)
      lines.push(`| ${name} | ${value} | ${goal}${met ? '' : ' (missed)'} |`)
  }
  return lines.join('\n')
}

const COLOURS: Record<string, string> = { ours: '#1a7f5a', 'ours, sealed': '#57a98a', 'ours in memory': '#8cc7b0' }

/** A chart with a bar for each server in each workload, as a ratio to the reference. */
export function chart({ races, machine: where, date }: Report): string {
  const bars: string[] = []
  let y = 46
  for (const { title, reference, variants } of races) {
    bars.push(`<text x="16" y="${y + 12}" class="t">${title} (${reference} = 1)</text>`)
    y += 22
    const most = Math.max(1, ...variants.map(({ ratio }) => ratio.median))
    for (const { name, ratio } of variants) {
      const median = name === reference ? 1 : ratio.median
      const width = Math.max(1, (median / most) * 400)
      bars.push(`<text x="150" y="${y + 11}" text-anchor="end">${name}</text>`)
      bars.push(`<rect x="160" y="${y}" width="${width.toFixed(1)}" height="14" fill="${COLOURS[name] ?? '#9aa3ad'}"/>`)
      bars.push(`<text x="${(168 + width).toFixed(1)}" y="${y + 11}">${two(median)}</text>`)
      y += 19
    }
    y += 12
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="${y + 8}" font-family="sans-serif" font-size="12">
<style>.t{font-weight:bold}</style><rect width="640" height="${y + 8}" fill="#fff"/>
<text x="16" y="22" font-size="14" class="t">Requests per second, as a ratio to the reference measured around each round</text>
<text x="16" y="38" fill="#666" font-size="10">${where}, ${date}</text>
${bars.join('\n')}
</svg>
`
}
