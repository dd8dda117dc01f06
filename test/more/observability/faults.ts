/**
 * Injects five faults into real instances, and keeps what an operator would see of each: logs, metrics and `/readyz`. Names of
 * folders and files do not say what is wrong, so that somebody who has only docs/runbook.md can look for it:
 *
 *     node test/more/observability/faults.ts /tmp/faults
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { NodeInstance } from '../../deploy/node-instance.ts'
import { Signer } from '../../support/authorization.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/ports.ts'
import { initialize, post, type RawSession, toolCall } from '../../support/raw.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const ENTRY = file('../../support/node-entry.ts')
const SERVER = file('orders.ts')

/** The same for all, as in a deployment. */
const MCP_SECRET = Buffer.alloc(32, 5).toString('base64')

/** What is collected of one instance. */
interface Watched {
  instance: NodeInstance
  metrics: URL
}

/** The folder of a fault, and the instances whose output goes there. */
class Scene {
  readonly #folder: string
  readonly watched: Watched[] = []

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true })
  }

  async start(env: Record<string, string>): Promise<Watched> {
    const settings = { METRICS_PORT: '0', MCP_SECRET, ...env }
    const instance = await NodeInstance.start(ENTRY, settings, SERVER)
    const [metrics = ''] = instance.log.flatMap((line) => (line as { metrics?: string }).metrics ?? [])
    const watched = { instance, metrics: new URL(metrics) }
    this.watched.push(watched)
    return watched
  }

  /** Writes metrics and `/readyz` of all instances. `when` is a part of the names of the files. */
  async look(when: 'before' | 'during'): Promise<void> {
    for (const [index, { instance, metrics }] of this.watched.entries()) {
      const get = async (url: URL) => {
        const response = await fetch(url)
        return { status: response.status, text: await response.text() }
      }
      const page = await get(metrics)
      const ready = await get(instance.at('/readyz'))
      this.write(`instance-${index + 1}.metrics-${when}.txt`, page.text)
      this.write(`instance-${index + 1}.readyz-${when}.txt`, `${ready.status} ${ready.text}\n`)
    }
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.#folder, name), text)
  }

  async end(): Promise<void> {
    for (const [index, { instance }] of this.watched.entries()) {
      this.write(`instance-${index + 1}.log`, `${instance.output.join('\n')}\n`)
      await instance.stop()
    }
  }
}

/** Sends requests, and takes every response. */
async function call(url: URL, session: RawSession, name: string, args: object): Promise<number> {
  const response = await post(url, toolCall(`${name}-${++calls}`, name, args), { session })
  await response.text()
  return response.status
}
let calls = 0

async function usual(url: URL, session: RawSession, rounds = 5): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await call(url, session, 'find_orders', { customer: 'Ada' })
    await call(url, session, 'order_status', { order: `A-${round}` })
  }
  await call(url, session, 'stock_report', { month: 'May' })
}

/** The answer of `/readyz` counts for a moment: a look soon after another one may have the answer of that. */
const notOk = ({ instance }: Watched) =>
  eventually(async () => ((await (await fetch(instance.at('/readyz'))).text()) === 'ok' ? undefined : true))

type Fault = (scene: Scene, redis: RedisServer) => Promise<void>

/** The password of Redis is another one, and the instances have the old one. */
const password: Fault = async (scene, { url, port }) => {
  const admin = new Redis({ port, host: '127.0.0.1', lazyConnect: true, maxRetriesPerRequest: 1 })
  admin.on('error', () => {})
  await admin.connect()
  await admin.config('SET', 'requirepass', 'spring')
  await admin.auth('spring')
  const env = { REDIS_URL: url.replace('redis://', 'redis://:spring@') }
  const one = await scene.start(env)
  const two = await scene.start(env)
  const session = await initialize(one.instance.url)
  await usual(one.instance.url, session)
  await usual(two.instance.url, session)
  await scene.look('before')
  await admin.config('SET', 'requirepass', 'summer')
  await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  await usual(one.instance.url, session)
  await usual(two.instance.url, session)
  await initialize(two.instance.url).catch(() => {})
  for (const each of scene.watched) await notOk(each)
  await scene.look('during')
  const restarted = await NodeInstance.start(ENTRY, { ...env, MCP_SECRET }, SERVER)
  const exit = await restarted.ended()
  scene.write('instance-3-started-during.log', `${restarted.output.join('\n')}\n(the process ended: ${exit})\n`)
  admin.disconnect()
}

/** Redis has no memory left, and may not evict. */
const memory: Fault = async (scene, { url, port }) => {
  const admin = new Redis({ port, host: '127.0.0.1' })
  const { instance } = await scene.start({ REDIS_URL: url })
  const other = await scene.start({ REDIS_URL: url })
  const session = await initialize(instance.url)
  await usual(instance.url, session)
  await usual(other.instance.url, session)
  await scene.look('before')
  // No room at all: buffers of connections count, and come and go.
  await admin.config('SET', 'maxmemory', '1')
  for (let n = 0; n < 6; n++) await initialize(n % 2 ? instance.url : other.instance.url).catch(() => {})
  await usual(instance.url, session)
  await usual(other.instance.url, session)
  for (const each of scene.watched) await notOk(each)
  await scene.look('during')
  admin.disconnect()
}

/** The authorization server is gone when its keys are needed. */
const issuer: Fault = async (scene, { url }) => {
  const port = await freePort()
  const name = `http://127.0.0.1:${port}`
  const signer = await Signer.create(name, 'https://orders.example.com/mcp')
  const env = {
    REDIS_URL: url,
    AUTH_ISSUER: name,
    AUTH_AUDIENCE: 'https://orders.example.com/mcp',
    AUTH_INSECURE_HTTP: '1',
  }
  const { instance } = await scene.start(env)
  await scene.start(env)
  await scene.look('before')
  const headers = { authorization: `Bearer ${await signer.token()}` }
  for (const each of scene.watched) {
    for (let n = 0; n < 5; n++) await initialize(each.instance.url, '2025-11-25', {}, headers).catch(() => {})
  }
  await (await post(instance.url, toolCall(1, 'order_status', { order: 'A-1' }))).text()
  await scene.look('during')
}

/** One tool takes seconds. */
const tool: Fault = async (scene, { url }) => {
  const env = { REDIS_URL: url, REPORT_MS: '12000' }
  const one = await scene.start(env)
  const two = await scene.start(env)
  const session = await initialize(one.instance.url)
  await call(one.instance.url, session, 'find_orders', { customer: 'Ada' })
  await scene.look('before')
  const reports = [one, two, one].map(({ instance }, n) =>
    call(instance.url, session, 'stock_report', { month: `${n}` }),
  )
  for (const { instance } of [one, two]) {
    for (let n = 0; n < 20; n++) await call(instance.url, session, n % 2 ? 'find_orders' : 'order_status', args(n))
  }
  await Promise.all(reports)
  const late = call(two.instance.url, session, 'stock_report', { month: '4' })
  await sleep(100)
  await scene.look('during')
  await late
}
const args = (n: number) => (n % 2 ? { customer: 'Ada' } : { order: `A-${n}` })

/** One of three instances has lost its way to Redis. */
const network: Fault = async (scene, { port }) => {
  const ways = [await Way.open(port), await Way.open(port), await Way.open(port)]
  for (const way of ways) await scene.start({ LEASE_SECONDS: '2', REDIS_URL: `redis://127.0.0.1:${way.port}` })
  const [first, cut] = scene.watched
  if (!first || !cut) return
  const session = await initialize(first.instance.url)
  for (const { instance } of scene.watched) await usual(instance.url, session)
  await scene.look('before')
  await ways[1]?.close()
  for (const { instance } of scene.watched) await usual(instance.url, session, 2)
  await notOk(cut)
  await scene.look('during')
  for (const way of ways) await way.close()
}

/** A way to Redis that can be cut. */
class Way {
  readonly #server: Server
  readonly #sockets: Set<Socket>

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server
    this.#sockets = sockets
  }

  static async open(target: number): Promise<Way> {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      const upstream = connect(target, '127.0.0.1')
      for (const each of [socket, upstream]) {
        sockets.add(each)
        each.on('error', () => {})
      }
      socket.pipe(upstream).pipe(socket)
    })
    const port = await freePort()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return new Way(server, sockets)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** In the order of the folders. Exported for tests. */
export const FAULTS: Readonly<Record<string, Fault>> = { a: tool, b: network, c: password, d: issuer, e: memory }

/**
 * Injects one fault, and writes what instances show of it into `folder`.
 *
 * @returns how many instances there are
 */
export async function inject(fault: Fault, folder: string): Promise<number> {
  const redis = await startRedis()
  const scene = new Scene(folder)
  try {
    await fault(scene, redis)
    return scene.watched.length
  } finally {
    await scene.end()
    await redis.stop()
  }
}

if (process.argv[1] === import.meta.filename) {
  const out = process.argv[2] ?? 'faults'
  rmSync(out, { recursive: true, force: true })
  for (const [name, fault] of Object.entries(FAULTS)) await inject(fault, join(out, name))
  process.exit()
}
