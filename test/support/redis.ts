/** Real Redis servers for tests. Each has a process and a folder of its own, and ends with the test process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensureBinary } from './global.ts'
import { freePort } from './ports.ts'

export interface RedisOptions {
  /** Further arguments, which override the defaults. Persistence is off unless they turn it on. */
  args?: string[]
  /** Default: a free port. */
  port?: number
  /** The server is a Sentinel with these lines of configuration. */
  sentinel?: string[]
}

export interface RedisServer {
  readonly host: string
  readonly port: number
  readonly url: string
  /** Changes with {@link restart}. */
  readonly pid: number
  /** Keeps connections open and answers nothing until {@link resume}. */
  pause(): void
  resume(): void
  /** Kills the process, as in a crash. {@link restart} starts it again. */
  kill(): Promise<void>
  /** Ends the process with SIGTERM, unless it was killed, and starts it on the same port with its persisted data. */
  restart(): Promise<void>
  /** Ends the process and removes its files. */
  stop(): Promise<void>
}

export interface ClusterOptions {
  masters?: number
  /** Of each master. They are the last of the nodes, in the order of the masters. */
  replicas?: number
  /** Further arguments of each node. */
  args?: string[]
  /** Files of PEM: each node listens with TLS, too, and is called localhost. */
  tls?: { ca: string; cert: string; key: string }
}

export interface RedisCluster {
  nodes: RedisServer[]
  urls: string[]
  /** Where the nodes listen with TLS. */
  tlsPorts: number[]
  stop(): Promise<void>
}

const HOST = '127.0.0.1'

export async function startRedis({ args = [], port: wanted, sentinel }: RedisOptions = {}): Promise<RedisServer> {
  const binary = ensureBinary('redis-server')
  const port = wanted ?? (await freePort())
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-redis-'))
  const pidFile = join(folder, 'pid')
  const basics = { port, bind: HOST, dir: folder, pidfile: pidFile, ...(!sentinel && { save: '', appendonly: 'no' }) }
  const line = [...Object.entries(basics).flatMap(([name, value]) => [`--${name}`, String(value)]), ...args]
  if (sentinel) {
    // A Sentinel writes into its file what it finds out.
    const file = join(folder, 'sentinel.conf')
    writeFileSync(file, `${sentinel.join('\n')}\n`)
    line.unshift(file, '--sentinel')
  }

  // Kills Redis when its input ends: in stop(), or when this process ends in any way.
  const cleaner = spawn('sh', ['-c', 'cat; test -s "$0/pid" && kill -9 "$(cat "$0/pid")"; rm -rf "$0"', folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  unref(cleaner)

  let child: ChildProcess
  let pid: number
  async function start(): Promise<void> {
    child = spawn(binary, line, { stdio: ['ignore', 'pipe', 'pipe'] })
    await ready(child)
    await answers(port)
    unref(child)
    // The child may be a script that starts Redis.
    pid = Number(readFileSync(pidFile, 'utf8'))
  }
  async function end(signal: NodeJS.Signals): Promise<void> {
    if (hasEnded(child)) return
    process.kill(pid, signal)
    await ended(child)
  }
  async function stop(): Promise<void> {
    cleaner.stdin.end()
    await Promise.all([ended(cleaner), ended(child)])
  }

  try {
    await start()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    host: HOST,
    port,
    url: `redis://${HOST}:${port}`,
    get pid() {
      return pid
    },
    pause: () => void process.kill(pid, 'SIGSTOP'),
    resume: () => void process.kill(pid, 'SIGCONT'),
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM')
      await start()
    },
    stop,
  }
}

/** Starts a Redis Cluster whose masters share the slots evenly. */
export async function startCluster({
  masters = 3,
  replicas = 0,
  args = [],
  tls,
}: ClusterOptions = {}): Promise<RedisCluster> {
  const size = masters * (1 + replicas)
  const [buses, tlsPorts] = await Promise.all([
    Promise.all(Array.from({ length: size }, freePort)),
    Promise.all(Array.from({ length: tls ? size : 0 }, freePort)),
  ])
  const nodes = await Promise.all(
    buses.map((bus, i) => startRedis({ args: [...clusterArguments(bus), ...tlsArguments(tls, tlsPorts[i]), ...args] })),
  )
  const stop = async () => void (await Promise.all(nodes.map((node) => node.stop())))
  try {
    const slot = (index: number) => Math.floor((index * 16_384) / masters)
    await Promise.all(
      nodes.slice(0, masters).map(async ({ port }, i) => {
        await ask(port, 'CLUSTER', 'ADDSLOTSRANGE', slot(i), slot(i + 1) - 1)
        await ask(port, 'CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
      }),
    )
    const [first, ...others] = nodes
    for (const [i, { port }] of others.entries()) {
      await ask(first?.port ?? 0, 'CLUSTER', 'MEET', HOST, tlsPorts[i + 1] ?? port, buses[i + 1] ?? 0)
    }
    await Promise.all(nodes.map(({ port }) => joined(port, size)))
    await Promise.all(nodes.slice(masters).map(({ port }, i) => replicate(port, nodes[i % masters]?.port ?? 0)))
  } catch (error) {
    await stop()
    throw error
  }
  return { nodes, urls: nodes.map(({ url }) => url), tlsPorts, stop }
}

function clusterArguments(bus: number): string[] {
  const cluster = { enabled: 'yes', port: bus, 'node-timeout': 1000 }
  const line = Object.entries(cluster).flatMap(([name, value]) => [`--cluster-${name}`, `${value}`])
  return [...line, '--repl-diskless-sync-delay', '0']
}

function tlsArguments(tls: ClusterOptions['tls'], port: number | undefined): string[] {
  if (!tls) return []
  const names = { 'cluster-announce-hostname': 'localhost', 'cluster-preferred-endpoint-type': 'hostname' }
  const files = { 'tls-ca-cert-file': tls.ca, 'tls-cert-file': tls.cert, 'tls-key-file': tls.key }
  const lines = {
    'tls-port': port,
    'tls-auth-clients': 'no',
    'tls-cluster': 'yes',
    'tls-replication': 'yes',
    ...files,
    ...names,
  }
  return Object.entries(lines).flatMap(([name, value]) => [`--${name}`, `${value}`])
}

/** Makes a node of a cluster the replica of another. Resolves when it has the data. */
async function replicate(port: number, master: number): Promise<void> {
  const id = (await ask(master, 'CLUSTER', 'MYID')).split('\r\n')[1] ?? ''
  await ask(port, 'CLUSTER', 'REPLICATE', id)
  while (!(await ask(port, 'INFO', 'replication')).includes('master_link_status:up')) await sleep(20)
}

async function joined(port: number, size: number): Promise<void> {
  for (;;) {
    const info = await ask(port, 'CLUSTER', 'INFO')
    if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${size}\r`)) return
    await sleep(20)
  }
}

/** Resolves when a replica has what the primary at this port has written until now. WAIT counts only writes of its own connection. */
export async function replicaHasAll(port: number): Promise<void> {
  const wanted = Number(/master_repl_offset:(\d+)/.exec(await ask(port, 'INFO', 'replication'))?.[1])
  for (;;) {
    const info = await ask(port, 'INFO', 'replication')
    if ([...info.matchAll(/state=online,offset=(\d+)/g)].some(([, offset]) => Number(offset) >= wanted)) return
    await sleep(20)
  }
}

/** Resolves when the log reports that Redis is ready. A PING could be answered by another server on the port. */
async function ready(child: ChildProcess): Promise<void> {
  let log = ''
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      log = (log + chunk).slice(-4_000)
      if (/Ready to accept connections|Sentinel ID is/.test(log)) resolve()
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}:\n${log}`)))
  })
}

async function answers(port: number): Promise<void> {
  // A server with a password answers with the error NOAUTH.
  await ask(port, 'PING').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== undefined) throw error
  })
}

/** Sends one command over a connection of its own and returns the reply as text. */
async function ask(port: number, ...command: (string | number)[]): Promise<string> {
  const socket = connect(port, HOST).setEncoding('utf8')
  const words = command.map((word) => `$${Buffer.byteLength(`${word}`)}\r\n${word}\r\n`)
  socket.write(`*${words.length}\r\n${words.join('')}`)
  let reply = ''
  for await (const chunk of socket) {
    reply += chunk
    const length = /^\$(\d+)\r\n/.exec(reply)
    if (length ? reply.length >= length[0].length + Number(length[1]) + 2 : reply.endsWith('\r\n')) break
  }
  if (reply.startsWith('-') || reply === '') throw new Error(`${command.join(' ')}: ${reply.slice(1).trim()}`)
  return reply
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** Lets this process end while the child runs. */
function unref(child: ChildProcess): void {
  child.unref()
  for (const stream of child.stdio) if (stream instanceof Socket) stream.unref()
}

async function ended(child: ChildProcess): Promise<void> {
  child.ref()
  if (!hasEnded(child)) await once(child, 'exit')
}
