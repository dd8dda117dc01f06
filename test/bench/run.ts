/**
 * `npm run bench`: measures this project, a raw Hono app and other MCP servers.
 *
 * `--short` only checks that everything works. `--only session,stream` selects workloads, and `scenarios` and
 * `cancelled` select the figures that are not races; `start` is the first answer of a new instance far from Redis, `changes` is a list
 * change to 30,000 streams, `idle` are 20,000 streams in which nothing happens, `durable` are the commands of durable calls, `tasks` those of
 * tasks, `telemetry` is a call with metrics and OpenTelemetry, `official` are servers of the official SDK, and `compare` is this package beside others. `--variants ours` selects servers.
 * `--rounds 7` and `--seconds 2` set the effort. `--out docs/performance` sets the path of the JSON file and the chart, and replaces
 * the figures in the document of that name; those of `compare` are in `docs/comparison.*` then.
 *
 * `--against <checkout>` compares with the commit before instead: see against.ts.
 */
import { parseArgs } from 'node:util'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { against } from './against.ts'
import { announce } from './announce.ts'
import { costAfterCancels } from './cancelled.ts'
import { COLD_START_GOAL, measureColdStart } from './coldstart.ts'
import { compare } from './compare/compare.ts'
import { comparisonText, factsText } from './compare/text.ts'
import { writeReport } from './document.ts'
import { idle, idleFigures } from './idle.ts'
import { officialFigures } from './official/official.ts'
import { type BusCost, measureBus } from './operations/bus.ts'
import { measureSteps, type StepCosts, stepsText } from './operations/durable.ts'
import { measureOperations } from './operations/operations.ts'
import { measureTasks, type TaskCosts, tasksText } from './operations/tasks.ts'
import { busText, operationsText } from './operations/text.ts'
import { pin, startLoad } from './processes.ts'
import { announceFigures, type Figure, figures, machine, type Report, table } from './report.ts'
import { askElsewhere, fanOut, flood, growth, redisBytes, resumes, streamMemory } from './scenarios.ts'
import { simulationText } from './simulation/text.ts'
import { firstAnswers } from './start.ts'
import { type Effort, RACES, type RaceResult, race } from './throughput.ts'

const { values } = parseArgs({
  options: {
    short: { type: 'boolean' },
    only: { type: 'string' },
    variants: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    out: { type: 'string' },
    against: { type: 'string' },
  },
})
const { short = false } = values
if (values.against !== undefined) {
  try {
    const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
    process.exit((await against({ checkout: values.against, only: values.only?.split(','), rounds, short })) ? 0 : 1)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  }
}
const effort: Effort = {
  rounds: Number(values.rounds ?? (short ? 1 : 5)),
  ms: Number(values.seconds ?? (short ? 0.1 : 1)) * 1_000,
  warmUp: short ? 10 : 300,
  connections: short ? 4 : 32,
  only: values.variants?.split(','),
}
const wanted = (name: string) => values.only === undefined || values.only.split(',').includes(name)

const redis = await startRedis()
pin(redis.pid, 'rest')
const loader = startLoad()

async function scenarios(): Promise<Figure[]> {
  const events = short ? 100 : 1_000
  const streams = short ? 9 : 1_000
  const open = short ? 50 : 10_000
  const [few, many] = short ? [2, 20] : [100, 100_000]
  const asked = await askElsewhere(redis, short ? 2 : 50)
  const resume = await resumes(redis, events, short ? 2 : 20)
  const updated = await fanOut(redis, streams, short ? 1 : 10)
  const bytes = await redisBytes(redis)
  const memory = await streamMemory(redis, open)
  const grown = await growth(redis, loader, few, many, effort)
  const flooded = await flood(redis, loader, { ...effort, ms: short ? 100 : 4_000 })
  const coldStart = { ratio: (await measureColdStart(short ? 1 : 15)).ratio, goal: COLD_START_GOAL }
  return figures({
    asked,
    resume,
    events,
    fanOut: updated,
    streams,
    bytes,
    memory: { ...memory, open },
    growth: grown,
    flood: flooded,
    coldStart,
  })
}

/** On a Redis that no server of another name has used. */
async function onOwnRedis<T>(work: (own: RedisServer) => Promise<T>): Promise<T> {
  const own = await startRedis()
  return work(own).finally(() => own.stop())
}

async function durable(): Promise<StepCosts> {
  const costs = await onOwnRedis(({ port }) => measureSteps(port))
  console.log(`\n${stepsText(costs)}\n`)
  return costs
}

async function tasks(): Promise<TaskCosts> {
  const costs = await onOwnRedis(({ port }) => measureTasks(port))
  console.log(`\n${tasksText(costs)}\n`)
  return costs
}

async function ceilings(): Promise<NonNullable<Report['ceilings']>> {
  const rounds = short ? 1 : Math.min(3, effort.rounds)
  const operations = await measureOperations(redis, {
    rounds,
    count: short ? 48 : 2_400,
    streams: short ? 30 : 3_000,
    ms: short ? 500 : 9_000,
  })
  const bus: BusCost[] = []
  for (const receivers of short ? [2, 10] : [10, 100, 1_000]) {
    const measured = onOwnRedis((own) => {
      pin(own.pid, 'rest')
      return measureBus(own, { receivers, ms: short ? 300 : 6_000, rate: 100 })
    })
    bus.push(await measured)
  }
  console.log(`\n${operationsText(operations)}\n\n${busText(bus)}\n\n${simulationText({ operations, bus })}`)
  return { operations, bus }
}

try {
  const races: RaceResult[] = []
  for (const one of RACES) {
    if (!wanted(one.name ?? one.workload)) continue
    races.push(await race(one, loader, redis, effort))
    console.log(table({ races: races.slice(-1), figures: [] }))
  }
  if (wanted('cancelled')) {
    const [many, calls] = short ? [50, 50] : [3_000, 2_000]
    const cost = (cancelled: number) => onOwnRedis((own) => costAfterCancels(own, cancelled, calls))
    const [fresh, after] = [await cost(0), await cost(many)]
    const figures = `${fresh.toFixed(0)} us in a new session, ${after.toFixed(0)} us after ${many} cancelled calls`
    console.log(`Redis, for a registered call: ${figures} (at most 20 % more)`)
  }
  const found = wanted('scenarios') ? await scenarios() : []
  if (wanted('start')) found.push(...(await firstAnswers(short ? 1 : 9)))
  if (wanted('changes')) found.push(...announceFigures(await announce(redis, short ? 30 : 30_000)))
  for (const nodes of wanted('idle') ? [1, 3] : []) {
    const figures = idleFigures(await idle(nodes, { streams: short ? 60 : 20_000, heartbeat: short ? 500 : 15_000 }))
    found.push(...figures)
    console.log(table({ races: [], figures }))
  }
  if (wanted('official')) {
    const { rounds, ms } = effort
    const least = short ? { warmUp: 20, sessions: 5 } : { warmUp: 3_000, sessions: 400 }
    found.push(...(await officialFigures({ rounds: short ? 1 : 2 * rounds, ms: ms / 2, ...least })))
  }
  const comparison = wanted('compare') ? await compare(redis, loader, effort) : undefined
  if (comparison) console.log(`\n${comparisonText(comparison)}\n\n${factsText(comparison)}`)
  const limits = wanted('operations') ? await ceilings() : undefined
  const steps = wanted('durable') ? await durable() : undefined
  const taskSteps = wanted('tasks') ? await tasks() : undefined
  console.log(table({ races: [], figures: found }))
  const report: Report = {
    machine: machine(),
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
    rounds: effort.rounds,
    connections: effort.connections,
    races,
    figures: found,
    ceilings: limits,
    durable: steps,
    tasks: taskSteps,
    comparison,
  }
  console.log(`\n${report.machine}, Node ${report.node}`)
  if (values.out !== undefined) writeReport(values.out, report)
} finally {
  await loader.stop()
  await redis.stop()
}
