/** The time of Redis and of the instances for each kind of operation, with three instances of which each request meets another. */
import { createNotifier } from '../../../lib/runtime/notifier.ts'
import { redisStore } from '../../../lib/store/redis/index.ts'
import type { RedisServer } from '../../support/redis.ts'
import { Connection, postBytes } from '../connection.ts'
import { type Server, startHolders, startServer } from '../processes.ts'
import { openSession } from '../workloads.ts'
import { type Cost, Meter } from './meter.ts'

const REVISION = '2025-11-25'
const INSTANCES = 3
/** Clients at once. */
const LANES = 48
/** For the row of heartbeats, in ms. */
const HEARTBEAT = 3_000
/** From one update to the next, in ms: longer than what comes together is read together. */
const UPDATE_EVERY = 60

export type OperationName =
  | 'initialize'
  | 'echo'
  | 'registered'
  | 'streamAtOnce'
  | 'streamSpaced'
  | 'ask'
  | 'cancel'
  | 'update'
  | 'heartbeat'
  | 'listChange'
  | 'instance'

export interface Operation extends Cost {
  name: OperationName
  /** What one operation is. */
  title: string
}

export interface OperationsEffort {
  rounds: number
  /** Operations of a kind in one round. */
  count: number
  /** Streams that are held for the rows of heartbeats and list changes. */
  streams: number
  /** How long what goes on by itself is measured, in ms. */
  ms: number
}

class Client {
  /** The session's requests, to each instance in turn. */
  #turn: number
  readonly #connections: Connection[]
  readonly #headers: Record<string, string>
  #id = 0

  private constructor(lane: number, connections: Connection[], headers: Record<string, string>) {
    this.#turn = lane
    this.#connections = connections
    this.#headers = headers
  }

  static async open(lane: number, ports: readonly number[]): Promise<Client> {
    const connections = await Promise.all(ports.map((port) => Connection.open(port)))
    const headers = await openSession(connections[lane % ports.length] as Connection, REVISION)
    return new Client(lane, connections, headers)
  }

  #next(): Connection {
    return this.#connections[this.#turn++ % this.#connections.length] as Connection
  }

  #call(name: string, args: object): { id: number; bytes: Buffer } {
    const id = ++this.#id
    const params = { name, arguments: args, _meta: { progressToken: id } }
    return { id, bytes: postBytes({ jsonrpc: '2.0', id, method: 'tools/call', params }, this.#headers) }
  }

  async call(name: string, args: object): Promise<void> {
    const { status, size } = await this.#next().send(this.#call(name, args).bytes)
    if (status !== 200) throw new Error(`The tool ${name} was answered with ${status} and ${size} bytes.`)
  }

  async initialize(): Promise<void> {
    await openSession(this.#next(), REVISION)
  }

  async ask(): Promise<void> {
    const asked = this.#next()
    const result = asked.ask(this.#call('ask', {}).bytes)
    const id = await asked.seen(/"id":"([^"]+)","method":"elicitation/)
    const answer = { jsonrpc: '2.0', id, result: { action: 'accept', content: { yes: true } } }
    await this.#next().send(postBytes(answer, this.#headers))
    if (!(await result).body.includes('accept')) throw new Error('The ask was not answered.')
  }

  async cancel(): Promise<void> {
    const { id, bytes } = this.#call('wait', { ms: 10_000 })
    const over = this.#next().send(bytes)
    // The call is registered after 50 ms.
    await sleep(100)
    const message = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } }
    await this.#next().send(postBytes(message, this.#headers))
    await over
  }

  close(): void {
    for (const connection of this.#connections) connection.close()
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const CALLS: { name: OperationName; title: string; run(client: Client): Promise<void> }[] = [
  { name: 'initialize', title: '`initialize`, and the notification after it', run: (client) => client.initialize() },
  { name: 'echo', title: 'short call in a session', run: (client) => client.call('echo', { text: 'x'.repeat(44) }) },
  { name: 'registered', title: 'silent call of 60 ms: registered', run: (client) => client.call('wait', { ms: 60 }) },
  {
    name: 'streamAtOnce',
    title: 'stream of five messages at once',
    run: (client) => client.call('steps', { steps: 5 }),
  },
  {
    name: 'streamSpaced',
    title: 'stream of five messages, 20 ms apart',
    run: (client) => client.call('spaced', { steps: 5, pause: 20 }),
  },
  { name: 'ask', title: 'call with an ask, answered on another instance', run: (client) => client.ask() },
  { name: 'cancel', title: 'registered call, cancelled on another instance', run: (client) => client.cancel() },
]

/** Every row, with the medians of its rounds. */
export async function measureOperations(redis: RedisServer, effort: OperationsEffort): Promise<Operation[]> {
  const rounds: Operation[][] = []
  for (let round = 0; round < effort.rounds; round++) {
    rounds.push([...(await calls(redis, effort)), ...(await streams(redis, effort))])
  }
  return (rounds[0] ?? []).map(({ name, title }, i) => {
    const of = (member: keyof Cost) => median(rounds.map((round) => (round[i] as Operation)[member]))
    return { name, title, redis: of('redis'), instances: of('instances'), scripts: of('scripts') }
  })
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

async function withInstances<T>(
  redis: RedisServer,
  session: object,
  work: (servers: Server[], ports: number[]) => Promise<T>,
): Promise<T> {
  const env = { BENCH_REDIS: redis.url, BENCH_OPTIONS: JSON.stringify({ session }) }
  const servers = await Promise.all(Array.from({ length: INSTANCES }, () => startServer('ours', env)))
  try {
    return await work(
      servers,
      servers.map(({ port }) => port),
    )
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

/** What clients cause, and an update that nobody wants. */
function calls(redis: RedisServer, { count, ms }: OperationsEffort): Promise<Operation[]> {
  return withInstances(redis, {}, async (servers, ports) => {
    const meter = new Meter(redis, servers)
    // Instances that nobody has used yet send nothing.
    const unused = await meter.rest(ms)
    const clients = await Promise.all(Array.from({ length: LANES }, (_, lane) => Client.open(lane, ports)))
    const inLanes = (total: number, run: (client: Client) => Promise<void>) =>
      Promise.all(
        clients.map(async (client, lane) => {
          for (let n = lane; n < total; n += LANES) await run(client)
        }),
      )
    const rows: Operation[] = []
    try {
      // The first of each kind loads code and opens connections.
      for (const { run } of CALLS) await inLanes(LANES * 4, run)
      const idle = await meter.rest(ms)
      for (const { name, title, run } of CALLS) {
        await inLanes(Math.min(count, LANES * 10), run)
        rows.push({ name, title, ...(await meter.perOperation(count, () => inLanes(count, run))) })
      }
      rows.push({
        name: 'update',
        title: 'update of a resource that nobody subscribed to, three instances',
        ...(await updates(redis, meter, ms)),
      })
      rows.push({ name: 'instance', title: 'an instance that is in use, each second', ...shareOf(idle, unused) })
    } finally {
      for (const client of clients) client.close()
      meter.close()
    }
    return rows
  })
}

/** What one instance takes in a second since it is used. */
function shareOf(used: Cost, unused: Cost): Cost {
  const of = (member: keyof Cost) => Math.max(0, used[member] - unused[member]) / INSTANCES
  return { redis: of('redis'), instances: of('instances'), scripts: of('scripts') }
}

async function updates(redis: RedisServer, meter: Meter, ms: number): Promise<Cost> {
  const store = redisStore(redis.url)
  const notify = createNotifier(store)
  const total = Math.max(2, Math.round(ms / UPDATE_EVERY))
  await notify.resourceUpdated('bench://nobody')
  const cost = await meter.perOperation(total, async () => {
    for (let n = 0; n < total; n++) {
      await notify.resourceUpdated(`bench://nobody/${n}`)
      await sleep(UPDATE_EVERY)
    }
  })
  await store.close()
  return cost
}

/** What held streams cost: heartbeats, and a list change that each must get. */
function streams(redis: RedisServer, { streams: count, ms }: OperationsEffort): Promise<Operation[]> {
  return withInstances(redis, { heartbeat: HEARTBEAT, maxStreams: count }, async (servers, ports) => {
    const meter = new Meter(redis, servers)
    // Without streams, but used: only the heartbeats are to be seen.
    const client = await Client.open(0, ports)
    for (let n = 0; n < INSTANCES * 2; n++) await client.call('wait', { ms: 60 })
    await meter.rest(ms)
    const holders = await startHolders(ports, count)
    const store = redisStore(redis.url)
    try {
      // The first round of heartbeats compiles their code.
      await sleep(HEARTBEAT)
      const beats = Math.max(1, Math.round(ms / HEARTBEAT))
      const heartbeat = await meter.perOperation(count * beats, () => sleep(beats * HEARTBEAT))
      const change = await meter.perOperation(count, async () => {
        const received = holders.received()
        await createNotifier(store).toolsChanged()
        await received
        // What follows the messages: the streams are confirmed and trimmed.
        await sleep(500)
      })
      return [
        { name: 'heartbeat', title: 'heartbeat of a stream', ...heartbeat },
        { name: 'listChange', title: 'list change, for each stream', ...change },
      ]
    } finally {
      await store.close()
      await holders.stop()
      client.close()
      meter.close()
    }
  })
}
