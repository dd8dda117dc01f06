/**
 * What other servers do in two processes behind a plain round robin: calls, questions, and the death of a process. Each is a
 * small server as the documentation of its package shows it, with the packages of test/more/migrate.
 */
import { rmSync } from 'node:fs'
import { type Connect, client1, clients, type ExampleClient } from '../../examples/clients.ts'
import { startRoundRobin } from '../../support/proxy.ts'
import { startRedis } from '../../support/redis.ts'
import { layOut, start } from './servers.ts'

/** `ok`, or what the client got. */
export interface Outcomes {
  /** Twenty calls, one after the other. */
  calls: string
  /** A tool that asks its user. */
  ask: string
  /** A call of a tool that only reads, whose process is killed after its third message. */
  death: string
}

export const REVISIONS = ['2025-11-25', '2026-07-28'] as const
export type Revision = (typeof REVISIONS)[number]

export interface Compared {
  name: string
  /** The package whose version is measured. */
  package: string
  program: string
  env?: Record<string, string>
}

export const SERVERS: readonly Compared[] = [
  { name: 'SDK 1.x with Express, sessions', package: '@modelcontextprotocol/sdk', program: 'express.ts' },
  { name: 'SDK 2.x, createMcpHandler', package: '@modelcontextprotocol/server', program: 'create-mcp-handler.ts' },
  { name: 'mcp-handler', package: 'mcp-handler', program: 'mcp-handler.ts' },
  { name: 'FastMCP, sessions', package: 'fastmcp', program: 'fastmcp.ts' },
  { name: 'FastMCP, stateless', package: 'fastmcp', program: 'fastmcp.ts', env: { STATELESS: '1' } },
  { name: 'mcp-anywhere', package: 'mcp-anywhere', program: 'mcp-anywhere.ts', env: { LEASE_SECONDS: '2' } },
]

/** How long a step may take, in ms. */
const PATIENCE = 20_000

/** Of both processes of this package: what one has sealed, the other opens. */
const MCP_SECRET = Buffer.alloc(32, 'a key for tests').toString('base64')

/** Measures one server with the official client of each kind of revision. */
export async function compare(compared: Compared): Promise<Record<Revision, Outcomes>> {
  const folder = await layOut()
  const redis = await startRedis()
  try {
    const env = { ...compared.env, REDIS_URL: redis.url, MCP_SECRET }
    const outcomes = {} as Record<Revision, Outcomes>
    for (const revision of REVISIONS) outcomes[revision] = await measure(folder, compared.program, env, revision)
    return outcomes
  } finally {
    await redis.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const connectors: Record<Revision, Connect> = { '2025-11-25': client1, '2026-07-28': clients.at(-1)?.[1] ?? client1 }

async function measure(folder: string, program: string, env: Record<string, string>, revision: Revision) {
  const processes = await Promise.all([start(folder, program, env), start(folder, program, env)])
  const balancer = await startRoundRobin(processes.map(({ url }) => url))
  const url = new URL('/mcp', balancer.url)
  /** A step with a client of its own, which is closed at its end: its open stream would turn the round robin. */
  const attempt = (step: (client: ExampleClient) => Promise<void>) =>
    inTime(async () => {
      const client = await connectors[revision](url, { form: () => ({ count: 3 }) })
      await step(client).finally(() => client.close())
    })
  try {
    return {
      calls: await attempt(async (client) => {
        for (let i = 0; i < 20; i++) expectText((await client.call('plain')).text, 'done')
      }),
      ask: await attempt(async (client) => expectText((await client.call('ask')).text, '3')),
      death: await attempt(async (client) => {
        const seen: number[] = []
        let killed = ''
        const { text } = await client.call('slow', {}, (pid, progress) => {
          seen.push(progress)
          if (seen.length !== 3) return
          killed = pid
          processes.find(({ child }) => String(child.pid) === pid)?.child.kill('SIGKILL')
        })
        if (text === killed) throw new Error('The result is that of the process that was killed.')
        expectText(seen.join(), '1,2,3,4,5,6,7,8,9,10')
      }),
    }
  } finally {
    await balancer.close()
    for (const { child } of processes) child.kill('SIGKILL')
  }
}

function expectText(text: string, wanted: string): void {
  if (text !== wanted) throw new Error(text)
}

async function inTime(step: () => Promise<void>): Promise<string> {
  const late = new Promise<string>((resolve) => {
    setTimeout(() => resolve(`no answer within ${PATIENCE / 1_000} s`), PATIENCE).unref()
  })
  const done = step().then(
    () => 'ok',
    (error: unknown) => firstLine(error),
  )
  return Promise.race([done, late])
}

/** Without what differs from run to run. */
const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]?.replace(/127\.0\.0\.1:\d+/g, '…') ?? ''
