/** The load generator: a process of its own, which gets its orders as messages. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from './connection.ts'
import { acrossSessions, WORKLOADS, type Workload, type WorkloadName } from './workloads.ts'

export interface LoadOrder {
  port: number
  workload: WorkloadName | { sessions: string[] }
  revision: string
  connections: number
  /** The duration without the warm-up, in ms. */
  ms: number
  warmUp: number
  token?: string
  /** The rate of requests, with any status. Default: as many as possible, and each must be 200. */
  perSecond?: number
}

export interface LoadResult {
  /** Requests per second. */
  rate: number
  /** The number of all requests, also before and after the counted time. */
  requests: number
  /** Latencies in ms. */
  p50: number
  p99: number
  /** The number of responses by status, of the requests after the warm-up. */
  statuses: Record<number, number>
  /** The share of a core that the load itself took. */
  busy: number
}

/** A response that is shorter than this share of the checked one counts as wrong. */
const ALIKE = 0.9

/** Sends one request after the other on each connection for `ms`. */
export async function load(order: LoadOrder): Promise<LoadResult> {
  const { port, connections, ms, warmUp, revision, token, perSecond } = order
  const workload: Workload =
    typeof order.workload === 'string'
      ? WORKLOADS[order.workload]
      : acrossSessions(order.workload.sessions, connections)
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)))
  try {
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` }
    const requests = await Promise.all(open.map((connection, n) => workload.prepare(connection, revision, n, headers)))
    let least = Number.POSITIVE_INFINITY
    for (const [n, connection] of open.entries()) {
      const { status, head, body } = await connection.ask((requests[n] as () => Buffer)())
      if (status !== 200 || !workload.expects.test(body)) throw new Error(`Got ${status}: ${body.slice(0, 500)}`)
      least = Math.min(least, ALIKE * (head.length + body.length))
    }
    const cpu = process.cpuUsage()
    const start = performance.now()
    const begin = start + warmUp
    const end = begin + ms
    const latencies: number[] = []
    const statuses: Record<number, number> = {}
    await Promise.all(
      open.map(async (connection, n) => {
        const next = requests[n] as () => Buffer
        for (let turn = n; ; turn += connections) {
          if (perSecond !== undefined) await until(Math.min(start + (turn * 1_000) / perSecond, end))
          const sent = performance.now()
          if (sent >= end) break
          const { status, size } = await connection.send(next())
          const now = performance.now()
          if (perSecond === undefined && (status !== 200 || size < least))
            throw new Error(`Got ${status} with ${size} bytes.`)
          if (sent >= begin) statuses[status] = (statuses[status] ?? 0) + 1
          if (now >= begin && now < end) latencies.push(now - sent)
        }
      }),
    )
    const { user, system } = process.cpuUsage(cpu)
    const took = performance.now() - start
    latencies.sort((a, b) => a - b)
    const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN
    return {
      rate: (latencies.length * 1_000) / ms,
      requests: open.reduce((sum, { sent }) => sum + sent, 0),
      p50: at(0.5),
      p99: at(0.99),
      statuses,
      busy: (user + system) / 1_000 / took,
    }
  } finally {
    for (const connection of open) connection.close()
  }
}

/** Waits until `due`, on the clock of `performance`. */
async function until(due: number): Promise<void> {
  const wait = due - performance.now()
  if (wait > 0) await sleep(wait)
}

if (process.env.BENCH_LOAD === '1') {
  process.on('message', (order: LoadOrder) => {
    load(order).then(
      (result) => process.send?.({ result }),
      (error) => process.send?.({ error: String(error?.stack ?? error) }),
    )
  })
  process.on('disconnect', () => process.exit(0))
}
