/** The load generator: a process of its own, told by messages what to send where. */
import { randomBytes } from 'node:crypto'
import { Connection, readAnswer } from './connection.ts'
import type { Workload, WorkloadName } from './workloads.ts'
import { acrossSessions, WORKLOADS } from './workloads.ts'

export interface LoadOrder {
  port: number
  workload: WorkloadName | { sessions: string[] }
  revision: string
  connections: number
  /** How long, in ms; the warm-up is not counted. */
  ms: number
  warmUp: number
}

export interface LoadResult {
  /** Requests per second. */
  rate: number
  requests: number
  /** Latencies in ms. */
  p50: number
  p99: number
}

/** Sends one request after the other on each connection, for `ms`. */
export async function load(order: LoadOrder): Promise<LoadResult> {
  const { port, connections, ms, warmUp, revision } = order
  const workload: Workload =
    typeof order.workload === 'string'
      ? WORKLOADS[order.workload]
      : acrossSessions(order.workload.sessions, connections)
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)))
  try {
    const requests = await Promise.all(open.map((connection, n) => workload.prepare(connection, revision, n)))
    for (const [n, connection] of open.entries()) {
      const { status, body } = await connection.ask((requests[n] as () => Buffer)())
      if (status !== 200 || !workload.expects.test(body)) throw new Error(`Got ${status}: ${body.slice(0, 500)}`)
    }
    const begin = performance.now() + warmUp
    const end = begin + ms
    const latencies: number[] = []
    let last = begin
    await Promise.all(
      open.map(async (connection, n) => {
        const next = requests[n] as () => Buffer
        for (let sent = performance.now(); sent < end; ) {
          const answer = await connection.send(next())
          const now = performance.now()
          if (answer[9] !== 0x32) throw new Error(`Got ${JSON.stringify(readAnswer(answer))}`)
          if (now >= begin && now < end) {
            latencies.push(now - sent)
            if (now > last) last = now
          }
          sent = now
        }
      }),
    )
    latencies.sort((a, b) => a - b)
    const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN
    return { rate: (latencies.length * 1_000) / ms, requests: latencies.length, p50: at(0.5), p99: at(0.99) }
  } finally {
    for (const connection of open) connection.close()
  }
}

/** Ids for sessions that nobody opened by HTTP. */
export function sessionIds(count: number): string[] {
  return Array.from({ length: count }, () => randomBytes(16).toString('base64url'))
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
