/** Starts the servers and the load, each on a core of its own if the system can pin processes. */
import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Order, Received } from './holders.ts'
import type { LoadOrder, LoadResult } from './load.ts'
import type { Usage } from './servers/serve.ts'

/** Files of `servers/`; those of `others/` need packages that the repository does not have (compare/others.ts). */
export type ServerName = 'raw' | 'ours' | 'sdk1' | 'sdk2' | 'mcp-lite' | OtherName
export type OtherName = 'tmcp' | 'fastmcp' | 'mcp-handler'

const OTHERS: ReadonlySet<ServerName> = new Set<OtherName>(['tmcp', 'fastmcp', 'mcp-handler'])
export const isOther = (name: ServerName): name is OtherName => OTHERS.has(name)

const PINS = availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0

/** Pins a process: servers to core 0, the load and Redis to the other cores. */
export function pin(pid: number | undefined, place: 'server' | 'rest'): void {
  if (!PINS || pid === undefined) return
  const cores = place === 'server' ? '0' : `1-${availableParallelism() - 1}`
  spawnSync('taskset', ['-a', '-c', '-p', cores, String(pid)])
}

export const pinned = PINS

export interface Server {
  port: number
  pid: number
  usage(): Promise<Usage>
  /** The memory after a garbage collection. */
  memory(): Promise<Usage>
  /** Stops the process until {@link resume}, so that it takes no time from the measured server. */
  pause(): void
  resume(): void
  stop(): Promise<void>
}

/** The root of this checkout. */
export const OWN = new URL('../../', import.meta.url)

/** Forks a file of the benchmark. @param root the checkout whose file it is */
export function startProcess(
  file: string,
  env: Record<string, string>,
  execArgv: string[] = [],
  root = OWN,
): ChildProcess {
  const path = fileURLToPath(new URL(`test/bench/${file}`, root))
  return fork(path, { env: { ...process.env, ...env }, execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

/** The next message of a process. @throws Error where it ends before */
export async function reply<T>(child: ChildProcess): Promise<T> {
  const abort = new AbortController()
  const ended = once(child, 'exit', { signal: abort.signal }).then(() => {
    throw new Error('A process of the benchmark ended early.')
  })
  ended.catch(() => {})
  try {
    const [message] = await Promise.race([once(child, 'message'), ended])
    return message as T
  } finally {
    abort.abort()
  }
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** `root` is the checkout whose server it is. */
export async function startServer(name: ServerName, env: Record<string, string> = {}, root = OWN): Promise<Server> {
  const profile = process.env.BENCH_PROFILE === name ? ['--cpu-prof', '--cpu-prof-dir=/tmp/bench-prof'] : []
  const flags = ['--expose-gc', '--disable-warning=ExperimentalWarning', ...profile]
  const file = `${isOther(name) ? 'others' : 'servers'}/${name}.ts`
  const child = startProcess(file, { NODE_ENV: 'production', ...env }, flags, root)
  pin(child.pid, 'server')
  const { port } = await reply<{ port: number }>(child)
  return {
    port,
    pid: child.pid ?? 0,
    usage() {
      child.send('usage')
      return reply<Usage>(child)
    },
    memory() {
      child.send('memory')
      return reply<Usage>(child)
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async stop() {
      child.kill('SIGCONT')
      if (profile.length === 0) return end(child)
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

/** A process that holds GET streams. */
export interface Holders {
  /** Resolves with the moment, in ms since 1970, at which the last of the streams had a list change. */
  received(): Promise<number>
  stop(): Promise<void>
}

/** Resolves when `streams` streams are open, spread over `ports`. */
export async function startHolders(ports: number[], streams: number): Promise<Holders> {
  const child = startProcess('holders.ts', {}, ['--disable-warning=ExperimentalWarning'])
  pin(child.pid, 'rest')
  child.send({ ports, streams } satisfies Order)
  await reply(child)
  return {
    received: async () => (await reply<Received>(child)).at,
    stop: () => end(child),
  }
}

/** As many processes as {@link holdStreams} starts: each may have a limited number of files open. */
const HOLDERS = 3

/** Opens `streams` streams, spread over some processes, which are added to `holders` one after the other. */
export async function holdStreams(holders: Holders[], ports: number[], streams: number): Promise<void> {
  const share = (n: number) => Math.floor((streams * (n + 1)) / HOLDERS) - Math.floor((streams * n) / HOLDERS)
  for (let n = 0; n < HOLDERS; n++) holders.push(await startHolders(ports, share(n)))
}

export interface LoadProcess {
  run(order: LoadOrder): Promise<LoadResult>
  stop(): Promise<void>
}

export function startLoad(): LoadProcess {
  const child = startProcess('load.ts', { BENCH_LOAD: '1' }, ['--disable-warning=ExperimentalWarning'])
  pin(child.pid, 'rest')
  return {
    async run(order) {
      child.send(order)
      const { result, error } = await reply<{ result?: LoadResult; error?: string }>(child)
      if (!result) throw new Error(`The load failed: ${error}`)
      return result
    },
    stop: () => end(child),
  }
}
