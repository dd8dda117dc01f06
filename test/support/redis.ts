/** Real Redis servers for tests. Each has a process and a folder of its own, and ends with the test process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
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

export interface RedisCluster {
  nodes: RedisServer[]
  urls: string[]
  stop(): Promise<void>
}

const HOST = '127.0.0.1'

export async function startRedis({ args = [], port: wanted }: RedisOptions = {}): Promise<RedisServer> {
  const binary = ensureBinary('redis-server')
  const port = wanted ?? (await freePort())
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-redis-'))
  const pidFile = join(folder, 'pid')
  const basics = { port, bind: HOST, dir: folder, pidfile: pidFile, save: '', appendonly: 'no' }
  const line = [...Object.entries(basics).flatMap(([name, value]) => [`--${name}`, String(value)]), ...args]

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

/** Starts a Redis Cluster of masters that share the slots evenly. */
export async function startCluster(size = 3): Promise<RedisCluster> {
  const buses = await Promise.all(Array.from({ length: size }, freePort))
  const nodes = await Promise.all(
    buses.map((bus) => {
      const cluster = { enabled: 'yes', port: bus, 'node-timeout': 1000 }
      return startRedis({ args: Object.entries(cluster).flatMap(([name, value]) => [`--cluster-${name}`, `${value}`]) })
    }),
  )
  const stop = async () => void (await Promise.all(nodes.map((node) => node.stop())))
  try {
    const slot = (index: number) => Math.floor((index * 16_384) / size)
    await Promise.all(
      nodes.map(async ({ port }, i) => {
        await ask(port, 'CLUSTER', 'ADDSLOTSRANGE', slot(i), slot(i + 1) - 1)
        await ask(port, 'CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
      }),
    )
    const [first, ...others] = nodes
    for (const [i, { port }] of others.entries()) {
      await ask(first?.port ?? 0, 'CLUSTER', 'MEET', HOST, port, buses[i + 1] ?? 0)
    }
    await Promise.all(nodes.map(({ port }) => joined(port, size)))
  } catch (error) {
    await stop()
    throw error
  }
  return { nodes, urls: nodes.map(({ url }) => url), stop }
}

async function joined(port: number, size: number): Promise<void> {
  for (;;) {
    const info = await ask(port, 'CLUSTER', 'INFO')
    if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${size}\r`)) return
    await sleep(20)
  }
}

/** Resolves when the log reports that Redis is ready. A PING could be answered by another server on the port. */
async function ready(child: ChildProcess): Promise<void> {
  let log = ''
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      log = (log + chunk).slice(-4_000)
      if (log.includes('Ready to accept connections')) resolve()
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
