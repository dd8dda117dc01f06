/**
 * What other servers do in two processes behind a plain round robin: calls, questions, and the death of a process. Each is a
 * small server as the documentation of its package shows it, with the packages of test/more/migrate.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../../../tools/build.ts'
import { type Connect, client1, clients } from '../../examples/clients.ts'
import { freePort } from '../../support/ports.ts'
import { startRoundRobin } from '../../support/proxy.ts'
import { startRedis } from '../../support/redis.ts'
import { installed } from '../support/installed.ts'

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
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-compared-'))
  const redis = await startRedis()
  try {
    cpSync(join(import.meta.dirname, 'project'), folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
    await linkPackages(folder)
    const env = { ...compared.env, REDIS_URL: redis.url, MCP_SECRET }
    const outcomes = {} as Record<Revision, Outcomes>
    for (const revision of REVISIONS) outcomes[revision] = await measure(folder, compared.program, env, revision)
    return outcomes
  } finally {
    await redis.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The packages of the check, and this one. */
async function linkPackages(folder: string): Promise<void> {
  const packages = join(await installed('migrate'), 'node_modules')
  const here = join(folder, 'node_modules')
  cpSync(packages, here, { recursive: true, filter: (from) => from === packages })
  for (const name of readdirSync(packages)) {
    if (!name.startsWith('.')) symlinkSync(join(packages, name), join(here, name))
  }
  symlinkSync(root, join(here, 'mcp-anywhere'))
}

const connectors: Record<Revision, Connect> = { '2025-11-25': client1, '2026-07-28': clients.at(-1)?.[1] ?? client1 }

async function measure(folder: string, program: string, env: Record<string, string>, revision: Revision) {
  const processes = await Promise.all([start(folder, program, env), start(folder, program, env)])
  const balancer = await startRoundRobin(processes.map(({ url }) => url))
  const url = new URL('/mcp', balancer.url)
  const connect = () => connectors[revision](url, { form: () => ({ count: 3 }) })
  try {
    return {
      calls: await attempt(async () => {
        const client = await connect()
        for (let i = 0; i < 20; i++) expectText((await client.call('plain')).text, 'done')
      }),
      ask: await attempt(async () => expectText((await (await connect()).call('ask')).text, '3')),
      death: await attempt(async () => {
        const client = await connect()
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

async function attempt(step: () => Promise<void>): Promise<string> {
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

async function start(cwd: string, program: string, env: Record<string, string>) {
  const PORT = String(await freePort())
  const args = ['--disable-warning=ExperimentalWarning', join(cwd, program)]
  const child: ChildProcess = spawn(process.execPath, args, {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env, PORT },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const listening = new Promise<void>((resolve) => {
    for (const input of [child.stdout, child.stderr]) {
      if (input === null) continue
      createInterface({ input }).on('line', (line) => {
        lines.push(line)
        if (line.includes('http://')) resolve()
      })
    }
  })
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${program} ended:\n${lines.join('\n')}`)
  })
  ended.catch(() => {})
  await Promise.race([listening, ended])
  return { child, url: `http://127.0.0.1:${PORT}` }
}
