/**
 * What a call costs where a server of the official SDK answers it: unchanged in an endpoint of this project, beside a server of this
 * project with the same tools, and behind the SDK's own handlers. Without sockets, with the store in memory: CPU time of a process.
 */
import type { ChildProcess } from 'node:child_process'
import { end, pin, reply, startProcess } from '../processes.ts'
import type { Figure } from '../report.ts'
import { type Spread, spread } from '../throughput.ts'
import type { Job, Measured, Order } from './child.ts'
import { HANDLERS, type HandlerName } from './handlers.ts'

interface OfficialEffort {
  rounds: number
  /** Of each handler in each round. */
  ms: number
  /** In ms. While V8 still compiles, code in more and smaller functions looks slower than it is. */
  warmUp: number
  /** For the memory of an instance. */
  sessions: number
}

/** The most that a call may cost, over one of our own server. */
const LIMITS: Readonly<Record<Job['workload'], Partial<Record<HandlerName, number>>>> = {
  call: { '1.x, shared': 1.5, '2.x, shared': 1.5, '1.x, per session': 2.5, '2.x, per session': 2.5 },
  list: { '1.x, shared': 1.5, '2.x, shared': 1.5, '1.x, per session': 2.5, '2.x, per session': 2.5 },
}

const TITLES = { call: 'tool call', list: 'tools/list of 50 tools' } as const
/** Beside the one that is called. */
const TOOLS = { call: 0, list: 50 } as const
const MANY_TOOLS = 50

export async function officialFigures(effort: OfficialEffort): Promise<Figure[]> {
  return [...(await costs('call', effort)), ...(await costs('list', effort)), ...(await memory(effort))]
}

async function costs(workload: Job['workload'], { rounds, ms, warmUp }: OfficialEffort): Promise<Figure[]> {
  const jobs = HANDLERS.map((handler) => ({ handler, tools: TOOLS[workload], workload }))
  const processes = await Promise.all(jobs.map((job) => start(job)))
  try {
    const all = new Map<HandlerName, { us: number[]; ratios: number[] }>(
      HANDLERS.map((handler) => [handler, { us: [], ratios: [] }]),
    )
    for (const each of processes) await each.cpu(warmUp)
    for (let round = 0; round < rounds; round++) {
      const own = [await processes[0]?.cpu(ms)]
      const measured: [HandlerName, number][] = []
      for (const each of processes.slice(1)) measured.push([each.handler, await each.cpu(ms)])
      own.push(await processes[0]?.cpu(ms))
      const mean = own.reduce<number>((sum, us) => sum + (us ?? 0) / own.length, 0)
      for (const [handler, us] of [['own', mean] as const, ...measured]) {
        all.get(handler)?.us.push(us)
        all.get(handler)?.ratios.push(us / mean)
      }
    }
    return [...all].map(([handler, { us, ratios }]) => {
      const limit = LIMITS[workload][handler]
      return costFigure(`${TITLES[workload]}: ${handler}`, spread(us), spread(ratios), limit)
    })
  } finally {
    for (const each of processes) await each.stop()
  }
}

function costFigure(name: string, us: Spread, ratio: Spread, limit: number | undefined): Figure {
  const [middle, low, high] = [ratio.median, ratio.low, ratio.high].map((value) => value.toFixed(2))
  const value = `${us.median.toFixed(0)} us, ${middle} of our own (${low}-${high})`
  return {
    name,
    value: name.endsWith(': own') ? `${us.median.toFixed(0)} us` : value,
    goal: limit === undefined ? '' : `at most ${limit}`,
    met: limit === undefined || ratio.median <= limit,
  }
}

/** Bytes that a session takes in a process beside what it takes there with one server for all. */
async function memory({ sessions }: OfficialEffort): Promise<Figure[]> {
  const perSession = async (handler: HandlerName) => {
    const each = await start({ handler, tools: MANY_TOOLS, workload: 'call' })
    try {
      // The first sessions create what all of them share.
      const before = await each.bytes(20)
      return ((await each.bytes(sessions)) - before) / sessions / 1_024
    } finally {
      await each.stop()
    }
  }
  const figures: Figure[] = []
  for (const line of ['1.x', '2.x'] as const) {
    const [own, shared] = [await perSession(`${line}, per session`), await perSession(`${line}, shared`)]
    figures.push({
      name: `memory of a cached instance with ${MANY_TOOLS} tools: ${line}`,
      value: `${(own - shared).toFixed(0)} KB`,
      goal: '',
      met: true,
    })
  }
  const transport = await perSession('1.x, transport of the SDK')
  const name = `memory of a session with ${MANY_TOOLS} tools: 1.x, transport of the SDK`
  return [...figures, { name, value: `${transport.toFixed(0)} KB`, goal: '', met: true }]
}

interface Handling {
  handler: HandlerName
  /** CPU time per request, in us, over so many ms. */
  cpu(ms: number): Promise<number>
  /** Heap and buffers once so many further sessions are open. */
  bytes(sessions: number): Promise<number>
  stop(): Promise<void>
}

async function start(job: Job): Promise<Handling> {
  const env = { NODE_ENV: 'production', BENCH_JOB: JSON.stringify(job) }
  const child = startProcess('official/child.ts', env, ['--expose-gc', '--disable-warning=ExperimentalWarning'])
  pin(child.pid, 'server')
  await measuredBy(child, job)
  const ask = async (order: Order) => {
    const answer = measuredBy(child, job)
    child.send(order)
    return answer
  }
  return {
    handler: job.handler,
    async cpu(ms) {
      const measured = await ask({ run: ms })
      return 'cpu' in measured ? measured.cpu : Number.NaN
    },
    async bytes(sessions) {
      const measured = await ask({ sessions })
      return 'bytes' in measured ? measured.bytes : Number.NaN
    },
    stop: () => end(child),
  }
}

async function measuredBy(child: ChildProcess, { handler, workload }: Job): Promise<Measured> {
  const measured = await reply<Measured>(child)
  if ('error' in measured) throw new Error(`${handler}, ${workload}: ${measured.error}`)
  return measured
}
