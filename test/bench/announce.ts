/** One list change to tens of thousands of GET streams on three instances, and ordinary calls meanwhile. */
import type { RedisServer } from '../support/redis.ts'
import { Connection, postBytes } from './connection.ts'
import { type Holders, holdStreams, startServer } from './processes.ts'
import { openSession } from './workloads.ts'

const REVISION = '2025-11-25'
const INSTANCES = 3
/** From one ordinary call to the next, in ms. */
const CALL_EVERY = 10

export interface Announced {
  streams: number
  /** From the change to the last stream that has it, in ms. */
  last: number
  /** Ordinary calls while the change went out, those that were refused or failed, and the slowest of them in ms. */
  calls: number
  refused: number
  slowest: number
  /** Errors that the instances reported. */
  errors: number
}

/** ms, on a clock that all processes share. */
const wallNow = () => performance.timeOrigin + performance.now()

export async function announce(redis: RedisServer, streams: number): Promise<Announced> {
  const options = JSON.stringify({ session: { maxStreams: 15_000 } })
  const env = { BENCH_REDIS: redis.url, BENCH_OPTIONS: options }
  const servers = await Promise.all(Array.from({ length: INSTANCES }, () => startServer('ours', env)))
  const holders: Holders[] = []
  try {
    const ports = servers.map(({ port }) => port)
    await holdStreams(holders, ports, streams)
    const connection = await Connection.open(ports[0] ?? 0)
    const session = await openSession(connection, REVISION)
    const send = async (name: string) => {
      const begin = performance.now()
      const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: { text: 'x' } } }
      const { status } = await connection.send(postBytes(message, session))
      return { ok: status === 200, ms: performance.now() - begin }
    }
    await send('echo')
    const results: { ok: boolean; ms: number }[] = []
    const begin = wallNow()
    let over = false
    const received = Promise.all(holders.map((holder) => holder.received()))
    await send('change')
    const all = received.then((times) => {
      over = true
      return Math.max(...times) - begin
    })
    while (!over) {
      results.push(await send('echo'))
      await new Promise((resolve) => setTimeout(resolve, CALL_EVERY))
    }
    const usages = await Promise.all(servers.map((server) => server.usage()))
    connection.close()
    return {
      streams,
      last: await all,
      calls: results.length,
      refused: results.filter(({ ok }) => !ok).length,
      slowest: Math.max(...results.map(({ ms }) => ms)),
      errors: usages.reduce((sum, { errors }) => sum + errors, 0),
    }
  } finally {
    await Promise.all([...holders, ...servers].map((one) => one.stop()))
  }
}
