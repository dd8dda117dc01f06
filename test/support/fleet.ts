/** Instances of the everything server as processes, behind round robin, on one Redis. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { EndpointOptions } from '../../lib/endpoint.ts'
import { type RoundRobin, startRoundRobin } from './proxy.ts'
import { type RedisServer, startRedis } from './redis.ts'

export type FleetOptions = Omit<EndpointOptions, 'store' | 'onError' | 'clock'> & {
  /** How long a run has the leg of a task without a sign of it, in ms: takeovers come sooner. Default: as always. */
  taskLease?: number
}

export interface Stats {
  id: string
  pid: number
  connections: number
  calls: number
  unregistered: number
}

/** The root of this checkout. */
const OWN = new URL('../../', import.meta.url)
const WALL_CLOCK = new URL('wall-clock.ts', import.meta.url).href

export class InstanceProcess {
  readonly child: ChildProcess
  readonly url: string
  /** The lines that the process wrote to stderr. */
  readonly errors: string[]

  private constructor(child: ChildProcess, url: string, errors: string[]) {
    this.child = child
    this.url = url
    this.errors = errors
  }

  /** `root` is the checkout whose instance it is, and `module` the module of its server, from test/support. */
  static async start(
    redisUrl: string,
    options: FleetOptions = {},
    plain = false,
    root = OWN,
    module?: string,
  ): Promise<InstanceProcess> {
    const args = ['--import', WALL_CLOCK, new URL('test/support/instance.ts', root).pathname]
    const child = spawn(process.execPath, args, {
      env: { ...process.env, INSTANCE: JSON.stringify({ redisUrl, options, plain, module }) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    if (!child.stdout || !child.stderr) throw new Error('The instance has no output.')
    const errors: string[] = []
    createInterface({ input: child.stderr }).on('line', (line) => errors.push(line))
    const die = () => child.kill('SIGKILL')
    process.once('exit', die)
    child.once('exit', () => process.removeListener('exit', die))
    const lines = createInterface({ input: child.stdout })
    const port = await new Promise<string>((resolve, reject) => {
      lines.on('line', (line) => {
        const match = /^listening (\d+)$/.exec(line)
        if (match?.[1]) resolve(match[1])
      })
      child.once('exit', (code) => reject(new Error(`The instance ended with ${code}:\n${errors.join('\n')}`)))
    })
    return new InstanceProcess(child, `http://127.0.0.1:${port}`, errors)
  }

  /** Sets the wall clock of the process off by `ms`, also while it runs. */
  async setWall(ms: number): Promise<void> {
    const done = once(this.child, 'message')
    this.child.send(ms)
    await done
  }

  async stats(): Promise<Stats> {
    return (await (await fetch(`${this.url}/__test/stats`)).json()) as Stats
  }

  async announce(kind: 'tools' | 'prompts' | 'resources' | 'updated', uri?: string): Promise<void> {
    await fetch(`${this.url}/__test/announce`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ kind, uri }),
    })
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** Resolves with the exit code (or the signal's name) once the process has ended. */
  async ended(): Promise<number | string> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit')
    return this.child.exitCode ?? this.child.signalCode ?? ''
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended()
  }
}

export interface Fleet {
  redis: RedisServer
  instances: InstanceProcess[]
  proxy: RoundRobin
  /** The endpoint behind the load balancer. */
  url: URL
  /** The endpoint of one instance. */
  at(index: number): URL
  /** Replaces an instance that has ended. */
  restart(index: number, options?: FleetOptions, root?: URL): Promise<InstanceProcess>
  stop(): Promise<void>
}

export async function startFleet(
  options: FleetOptions = {},
  {
    size = 3,
    redis: given,
    plain = false,
    roots = [],
    module,
  }: { size?: number; redis?: RedisServer; plain?: boolean; roots?: URL[]; module?: string | undefined } = {},
): Promise<Fleet> {
  const redis = given ?? (await startRedis())
  const instances = await Promise.all(
    Array.from({ length: size }, (_, i) => InstanceProcess.start(redis.url, options, plain, roots[i], module)),
  )
  const proxy = await startRoundRobin(instances.map((instance) => instance.url))
  return {
    redis,
    instances,
    proxy,
    url: new URL(`${proxy.url}/mcp`),
    at: (index) => new URL(`${instances[index]?.url}/mcp`),
    async restart(index, changed = options, root = roots[index]) {
      proxy.setTarget(index, undefined)
      const instance = await InstanceProcess.start(redis.url, changed, plain, root, module)
      instances[index] = instance
      proxy.setTarget(index, instance.url)
      return instance
    },
    async stop() {
      await proxy.close()
      await Promise.all(instances.map((instance) => instance.kill()))
      if (!given) await redis.stop()
    },
  }
}
