/** The figures that are not races: round trips, resumes, fan-out, memory, and growth. */
import { Redis } from 'ioredis'
import { newSessionId, sessionKey, writeRecord } from '../../lib/session/stream/session.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { Signer } from '../support/authorization.ts'
import type { RedisServer } from '../support/redis.ts'
import { Connection, postBytes } from './connection.ts'
import type { LoadResult } from './load.ts'
import { type LoadProcess, startLoad, startServer } from './processes.ts'
import { forEach, openStream } from './streams.ts'
import { type Effort, type Spread, spread } from './throughput.ts'
import { openSession } from './workloads.ts'

const REVISION = '2025-11-25'

function call(name: string, args: object, extra: object = {}): object {
  return { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args, ...extra } }
}

async function newSession(port: number): Promise<Record<string, string>> {
  const connection = await Connection.open(port)
  try {
    return await openSession(connection, REVISION)
  } finally {
    connection.close()
  }
}

async function post(port: number, body: object, headers: Record<string, string>): Promise<string> {
  const connection = await Connection.open(port)
  try {
    return (await connection.ask(postBytes(body, headers))).body
  } finally {
    connection.close()
  }
}

export interface Asked {
  /** The commands that Redis received between the ask and its answer, in order. */
  commands: string[]
  roundTrips: number
  /** From the call to its result, in ms. */
  latency: Spread
}

/** Measures calls that ask on one instance and get the answer from another. */
export async function askElsewhere(redis: RedisServer, times: number): Promise<Asked> {
  const env = { BENCH_REDIS: redis.url }
  const [one, other] = await Promise.all([startServer('ours', env), startServer('ours', env)])
  const watcher = new Redis(redis.url)
  try {
    const headers = await newSession(one.port)
    const seen: string[][] = []
    const monitor = await watcher.monitor()
    monitor.on('monitor', (_time: string, args: string[], source: string) => {
      if (source !== 'lua') seen.push(args)
    })
    const latencies: number[] = []
    for (let n = 0; n <= times; n++) {
      seen.length = 0
      const begin = performance.now()
      const connection = await Connection.open(one.port)
      const result = connection.ask(postBytes(call('ask', {}), headers))
      const ask = await connection.seen(/"id":"([^"]+)","method":"elicitation/)
      const answer = { jsonrpc: '2.0', id: ask, result: { action: 'accept', content: { yes: true } } }
      await post(other.port, answer, headers)
      if (!(await result).body.includes('accept')) throw new Error('The ask was not answered.')
      connection.close()
      // The first call opens the connections for mail and is not counted.
      if (n > 0) latencies.push(performance.now() - begin)
    }
    // The reads of the session and the end of the call are not part of the ask.
    const commands = await settled(seen)
    monitor.disconnect()
    return { commands, roundTrips: commands.length, latency: spread(latencies) }
  } finally {
    watcher.disconnect()
    await Promise.all([one.stop(), other.stop()])
  }
}

/** The scripts between the ask and the end of the call, in order. */
async function settled(seen: readonly string[][]): Promise<string[]> {
  await new Promise((resolve) => setTimeout(resolve, 50))
  const scripts = seen.filter(([name]) => /^eval/i.test(name ?? ''))
  const asks = scripts.findIndex((args) => args.some((arg) => arg.includes('elicitation/create')))
  const final = scripts.findIndex((args) => args.some((arg) => arg.includes('"result":{"content"')))
  if (asks < 0 || final < 0) throw new Error('Redis did not receive the ask and the result.')
  return scripts.slice(asks, final).map((args) => {
    if (args.some((arg) => arg.includes(':box:'))) return 'mail to the owner'
    return args.some((arg) => arg.includes('elicitation/create')) ? 'ask appended' : 'answer stored'
  })
}

/** Measures resumes of a log of many events, one after the other. `rate`: events per second. */
export async function resumes(
  redis: RedisServer,
  events: number,
  times: number,
): Promise<{ ms: Spread; rate: number }> {
  const server = await startServer('ours', { BENCH_REDIS: redis.url })
  try {
    const headers = await newSession(server.port)
    const connection = await Connection.open(server.port)
    const body = call('steps', { steps: events - 1 }, { _meta: { progressToken: 't' } })
    const stream = (await connection.ask(postBytes(body, headers))).body
    const first = /^id: (.*)$/m.exec(stream)?.[1]?.trim() ?? ''
    const durations: number[] = []
    for (let n = 0; n < times; n++) {
      const lines = Object.entries({ ...headers, 'Last-Event-ID': first }).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      )
      const begin = performance.now()
      const answer = await connection.ask(
        `GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n${lines.join('')}\r\n`,
      )
      durations.push(performance.now() - begin)
      const got = answer.body.split('\nevent: message').length + answer.body.split('\r\nevent: message').length - 2
      if (answer.status !== 200 || !answer.body.includes('done'))
        throw new Error(`The resume got ${answer.status} and ${got} events: ${answer.body.slice(0, 300)}`)
    }
    connection.close()
    const ms = spread(durations)
    return { ms, rate: (events * 1_000) / ms.median }
  } finally {
    await server.stop()
  }
}

/** Measures the time in ms until an update has reached the last of the streams on three instances. */
export async function fanOut(redis: RedisServer, streams: number, times: number): Promise<Spread> {
  const env = { BENCH_REDIS: redis.url }
  const servers = await Promise.all([0, 1, 2].map(() => startServer('ours', env)))
  const port = (n: number) => servers[n % servers.length]?.port ?? 0
  try {
    const open = await forEach(streams, 32, async (n) => {
      const headers = await newSession(port(n))
      const subscribe = { jsonrpc: '2.0', id: 2, method: 'resources/subscribe', params: { uri: 'bench://record' } }
      await post(port(n), subscribe, headers)
      return openStream(port(n + 1), headers)
    })
    const caller = await newSession(port(0))
    const durations: number[] = []
    for (let n = 0; n < times; n++) {
      const begin = performance.now()
      const received = Promise.all(open.map((stream) => stream.until('notifications/resources/updated')))
      await post(port(n), call('touch', {}), caller)
      await received
      durations.push(performance.now() - begin)
    }
    for (const stream of open) stream.close()
    return spread(durations)
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

export interface RedisBytes {
  idleSession: number
  /** The keys of a running call, without the session's record. */
  streamingCall: number
  logEvent: number
}

/** The session's record has all of its fields. */
async function slid(client: Redis): Promise<boolean> {
  const [record] = (await client.keys('mcp:{*}')).filter((key) => /^mcp:\{[^}]+\}$/.test(key) && !key.includes('bus'))
  return record !== undefined && (await client.hexists(record, 'slid')) === 1
}

/** Measures bytes in Redis with MEMORY USAGE, keys included. */
export async function redisBytes(redis: RedisServer): Promise<RedisBytes> {
  const server = await startServer('ours', { BENCH_REDIS: redis.url })
  const client = new Redis(redis.url)
  const usage = async () => {
    const keys = await client.keys('mcp:{*')
    const own = keys.filter((key) => !key.startsWith('mcp:{bus}'))
    const sizes = await Promise.all(own.map((key) => client.memory('USAGE', key, 'SAMPLES', 0)))
    return sizes.reduce<number>((sum, size) => sum + Number(size ?? 0), 0)
  }
  try {
    await client.flushall()
    const headers = await newSession(server.port)
    await post(server.port, { jsonrpc: '2.0', id: 1, method: 'ping' }, headers)
    // The first request after `initialize` has the session's lifetime slide, and nothing waits for that.
    while (!(await slid(client))) await new Promise((resolve) => setTimeout(resolve, 10))
    const idleSession = await usage()
    const connection = await Connection.open(server.port)
    const asking = connection.ask(postBytes(call('ask', {}), headers))
    asking.catch(() => {})
    await connection.seen(/"id":"([^"]+)","method":"elicitation/)
    const streamingCall = (await usage()) - idleSession
    const small = await logSize(server.port, headers, client, 100)
    const large = await logSize(server.port, headers, client, 1_100)
    connection.close()
    return { idleSession, streamingCall, logEvent: (large - small) / 1_000 }
  } finally {
    client.disconnect()
    await server.stop()
  }
}

async function logSize(port: number, headers: Record<string, string>, client: Redis, events: number): Promise<number> {
  const before = new Set(await client.keys('mcp:{*:log:*'))
  await post(port, { ...call('steps', { steps: events }, { _meta: { progressToken: 't' } }), id: events }, headers)
  const [log] = (await client.keys('mcp:{*:log:*')).filter((key) => !before.has(key))
  return Number(await client.memory('USAGE', log ?? '', 'SAMPLES', 0))
}

/**
 * Measures bytes of memory for each open GET stream, in an instance of this project and in a bare Hono app. Both get
 * the same requests and write one event. The app keeps nothing of a session.
 */
export async function streamMemory(redis: RedisServer, streams: number) {
  const measure = async (name: 'ours' | 'raw') => {
    const server = await startServer(name, name === 'ours' ? { BENCH_REDIS: redis.url } : {})
    try {
      // The first streams create the state that all streams share.
      const inNewSession = async () => openStream(server.port, await newSession(server.port))
      const warm = await forEach(200, 32, inNewSession)
      const before = await server.memory()
      const open = await forEach(streams, 64, inNewSession)
      const after = await server.memory()
      for (const stream of [...warm, ...open]) stream.close()
      return { heap: (after.total - before.total) / streams, rss: (after.rss - before.rss) / streams }
    } finally {
      await server.stop()
    }
  }
  const raw = await measure('raw')
  const ours = await measure('ours')
  return { raw, ours }
}

/** The lifetime of the sessions of `growth`, in ms. */
const LIFETIME = 24 * 60 * 60_000

/** Measures the throughput of tool calls in many sessions as a ratio to that in a few, in turn. */
export async function growth(redis: RedisServer, loader: LoadProcess, few: number, many: number, effort: Effort) {
  const server = await startServer('ours', { BENCH_REDIS: redis.url })
  const store = redisStore(redis.url)
  try {
    const ids = Array.from({ length: many }, newSessionId)
    const client = { capabilities: { elicitation: {}, roots: {} }, info: { name: 'bench', version: '1.0.0' } }
    const record = writeRecord({ revision: REVISION, client, createdAt: Date.now(), legacy: false })
    await forEach(many, 1_000, async (n) => {
      const key = sessionKey('', ids[n] ?? '')
      await store.createSession(key, record, LIFETIME, undefined)
      // The first request of a session costs one command more than all others, so each session gets it before.
      await store.readSession(key, LIFETIME)
    })
    const { rounds, ms, warmUp, connections } = effort
    const measure = async (sessions: string[]) => {
      const order = { port: server.port, workload: { sessions }, revision: REVISION, connections }
      return (await loader.run({ ...order, ms, warmUp })).rate
    }
    const [small, large] = [ids.slice(0, few), ids]
    await measure(large)
    const ratios: number[] = []
    for (let round = 0; round < rounds; round++) {
      const before = await measure(small)
      const own = await measure(large)
      const after = await measure(small)
      ratios.push((2 * own) / (before + after))
    }
    return { few, many, ratio: spread(ratios) }
  } finally {
    await store.close()
    await server.stop()
  }
}

/** The rate limit of a principal. */
const LIMIT = { perSecond: 200, burst: 100 }
/** The time in ms after which a client at three times the limit has used up its burst. */
const BURST_OVER = 300

export interface Flood {
  /** Latencies of the ordinary client, in ms. */
  alone: { p50: Spread; p99: Spread }
  beside: { p50: Spread; p99: Spread }
  /** The share of the other client's requests that got 429. */
  refused: Spread
  /** The number of 429 and 5xx responses to the ordinary client. */
  failures: number
}

/**
 * Measures the tool calls of an ordinary client, alone and beside a client that sends at three times its limit, in
 * turn. The client may be slower alone, because idle cores have to wake up for each call.
 */
export async function flood(redis: RedisServer, loader: LoadProcess, effort: Effort): Promise<Flood> {
  const signer = await Signer.create('https://as.example', 'https://mcp.example/mcp')
  const auth = { issuer: signer.issuer, resource: signer.resource, jwks: signer.keys }
  const options = JSON.stringify({ auth, http: { principalRate: LIMIT } })
  const [ordinary, greedy] = [await signer.token({ sub: 'ordinary' }), await signer.token({ sub: 'greedy' })]
  const server = await startServer('ours', { BENCH_REDIS: redis.url, BENCH_OPTIONS: options })
  const attacker = startLoad()
  try {
    const { rounds, ms } = effort
    const order = { port: server.port, workload: 'session', revision: REVISION } as const
    const work = (ms: number) =>
      loader.run({ ...order, token: ordinary, perSecond: LIMIT.perSecond / 2, connections: 1, ms, warmUp: 0 })
    const attack = () =>
      attacker.run({ ...order, token: greedy, perSecond: 3 * LIMIT.perSecond, connections: 8, ms, warmUp: BURST_OVER })
    await work(ms)
    const alone: LoadResult[] = []
    const beside: LoadResult[] = []
    const refused: number[] = []
    for (let round = 0; round < rounds; round++) {
      alone.push(await work(ms))
      const [own, { statuses }] = await Promise.all([work(BURST_OVER + ms), attack()])
      beside.push(own)
      refused.push((statuses[429] ?? 0) / Object.values(statuses).reduce((sum, count) => sum + count, 0))
    }
    const seen = [...alone, ...beside].flatMap(({ statuses }) => Object.entries(statuses))
    const failures = seen.reduce((sum, [status, count]) => sum + (status === '200' ? 0 : count), 0)
    if (failures > 0) throw new Error(`The ordinary client got ${JSON.stringify(seen)}.`)
    const of = (results: LoadResult[]) => ({
      p50: spread(results.map(({ p50 }) => p50)),
      p99: spread(results.map(({ p99 }) => p99)),
    })
    return { alone: of(alone), beside: of(beside), refused: spread(refused), failures }
  } finally {
    await attacker.stop()
    await server.stop()
  }
}
