/** A call that survives the death of its instance: real processes, a real Redis, and the official client. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { freePort } from '../../test/support/ports.ts'
import { type RoundRobin, startRoundRobin } from '../../test/support/proxy.ts'
import { type RedisServer, startRedis } from '../../test/support/redis.ts'
import { root } from '../build.ts'

/** What happened, `at` ms after the call was sent. `by` is the name of an instance. */
export type Moment =
  | { at: number; kind: 'call' | 'kill' | 'resume' | 'result'; by: string }
  | { at: number; kind: 'progress'; by: string; page: number; pages: number }

export interface Recording {
  /** The day, as `2026-11-26`. */
  date: string
  node: string
  /** `LEASE_SECONDS` of the instances. */
  lease: number
  instances: string[]
  moments: Moment[]
}

interface RecordOptions {
  pages: number
  /** Between two pages. */
  milliseconds: number
  /** The page after which the instance of the call is killed. */
  killAfter: number
  /** Seconds. */
  lease: number
}

const NAMES = ['A', 'B', 'C']

/** Runs the call, kills its instance, and resolves with what the client saw. */
export async function record(options: RecordOptions): Promise<Recording> {
  const redis = await startRedis()
  const instances = new Map<string, ChildProcess>()
  try {
    const started = await Promise.all(NAMES.map((name) => startInstance(name, redis, options.lease)))
    for (const { name, child } of started) instances.set(name, child)
    const balancer = await startRoundRobin(started.map(({ url }) => url))
    try {
      const moments = await call(balancer, instances, options)
      return {
        date: new Date().toISOString().slice(0, 10),
        node: process.version,
        lease: options.lease,
        instances: NAMES,
        moments,
      }
    } finally {
      await balancer.close()
    }
  } finally {
    for (const child of instances.values()) child.kill('SIGKILL')
    await redis.stop()
  }
}

async function startInstance(name: string, redis: RedisServer, lease: number) {
  const port = await freePort()
  const args = [join(root, 'lib/cli/main.ts'), 'start', join(import.meta.dirname, 'server.ts')]
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: {
      ...process.env,
      PORT: String(port),
      REDIS_URL: redis.url,
      LEASE_SECONDS: String(lease),
      INSTANCE_NAME: name,
      LOG: '0',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const lines: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => lines.push(line))
  const ended = once(child, 'exit').then(() => {
    throw new Error(`Instance ${name} ended:\n${lines.join('\n')}`)
  })
  // The child is killed at the end of the recording.
  ended.catch(() => {})
  const url = `http://127.0.0.1:${port}`
  await Promise.race([ready(url), ended])
  return { name, child, url }
}

async function ready(url: string): Promise<void> {
  for (;;) {
    const answered = await fetch(`${url}/readyz`)
      .then(({ ok }) => ok)
      .catch(() => false)
    if (answered) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function call(
  balancer: RoundRobin,
  instances: ReadonlyMap<string, ChildProcess>,
  { pages, milliseconds, killAfter }: RecordOptions,
): Promise<Moment[]> {
  const moments: Moment[] = []
  let begun = 0
  const note = (moment: { kind: Exclude<Moment['kind'], 'progress'>; by: string } | Omit<Progress, 'at'>) =>
    moments.push({ at: Math.round(performance.now() - begun), ...moment })
  const answering = () => NAMES[balancer.requests.at(-1)?.target ?? 0] ?? ''
  const transport = new StreamableHTTPClientTransport(new URL(`${balancer.url}/mcp`), {
    fetch: async (url, init) => {
      const response = await fetch(url, init)
      const isResumed = new Headers(init?.headers).has('last-event-id')
      if (isResumed && response.ok) note({ kind: 'resume', by: answering() })
      return response
    },
  })
  const client = new Client({ name: 'recording', version: '1.0.0' })
  await client.connect(transport)
  begun = performance.now()
  note({ kind: 'call', by: '' })
  const { content } = await client.callTool(
    { name: 'read_pages', arguments: { pages, milliseconds } },
    {
      timeout: 120_000,
      onprogress: ({ progress, message = '' }) => {
        note({ kind: 'progress', by: message, page: progress, pages })
        if (progress !== killAfter) return
        instances.get(message)?.kill('SIGKILL')
        note({ kind: 'kill', by: message })
      },
    },
  )
  const [block] = content as { text?: string }[]
  note({ kind: 'result', by: block?.text?.at(-1) ?? '' })
  await client.close()
  return moments
}

type Progress = Extract<Moment, { kind: 'progress' }>
