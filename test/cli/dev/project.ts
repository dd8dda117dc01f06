/** A project in a folder of its own, and `mcp-anywhere dev` in it as a process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** What the tools of the server report. */
export interface Who {
  version: string
  pid: number
  redis?: string
}

/** A server whose tools report `version`, with code of TypeScript that Node does not run. `more` comes after it. */
export function serverSource(more = ''): string {
  return `
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { McpServer } from 'mcp-anywhere'
import { z } from 'zod'
import { version } from './version.js'

enum Kind { Text = 'text' }
class Answer {
  constructor(readonly value: unknown) {}
  get result() {
    return { content: [{ type: Kind.Text as const, text: JSON.stringify(this.value) }] }
  }
}
const who = () => ({ version, pid: process.pid, redis: process.env.REDIS_URL })

export const server = new McpServer({ name: 'a project', version: '1.0.0' })
server.registerTool('who', { description: 'Who answers' }, async () => new Answer(who()).result)
server.registerTool('log', { description: 'Writes a line' }, async () => {
  console.log('written by a handler')
  return new Answer(who()).result
})
server.registerTool('boom', { description: 'Throws' }, async () => {
  throw new Error('thrown on purpose')
})
server.registerTool('spin', { description: 'Never returns' }, async () => {
  for (;;);
})
server.registerTool('wait', { description: 'Waits for a file', inputSchema: z.object({ file: z.string() }) }, async ({ file }, ctx) => {
  await ctx.progress(1)
  while (!existsSync(file)) await sleep(10)
  return new Answer(who()).result
})
server.registerTool('ask', { description: 'Asks the user' }, async (ctx) => {
  const answer = await ctx.elicit('Which number?', z.object({ number: z.number() }))
  return new Answer({ ...who(), answer: answer.action === 'accept' ? answer.content.number : answer.action }).result
})
server.registerTool('touch', { description: 'Changes a note' }, async (ctx) => {
  await ctx.announce.resourceUpdated('note://1')
  return new Answer(who()).result
})
server.registerResource('note', 'note://1', { description: 'A note' }, async (uri) => ({
  contents: [{ uri: uri.href, text: version }],
}))
${more}
`
}

/** Where `dev` runs. */
interface Place {
  folder: string
  /** Temporary files of its processes. */
  temporary: string
  /** The file of the command line. */
  cli: string
}

export class Project implements Place {
  readonly cli = join(ROOT, 'lib/cli/main.ts')
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-anywhere-project-')))
  /** Temporary files of the processes of the project. */
  readonly temporary = join(this.folder, 'tmp')

  constructor(source = serverSource()) {
    mkdirSync(this.temporary)
    const modules = join(this.folder, 'node_modules')
    mkdirSync(modules)
    symlinkSync(ROOT, join(modules, 'mcp-anywhere'))
    symlinkSync(realpathSync(join(ROOT, 'node_modules/zod')), join(modules, 'zod'))
    this.write('package.json', '{ "type": "module" }')
    this.write('src/server.ts', source)
    this.version('v1')
  }

  write(file: string, text: string): void {
    const path = join(this.folder, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }

  /** Changes a file that the server imports. */
  version(name: string): void {
    this.write('src/version.ts', `export const version: string = '${name}'\n`)
  }

  /** What is left in the folder for temporary files. */
  get left(): string[] {
    return readdirSync(this.temporary)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

interface DevSettings {
  args?: string[]
  env?: NodeJS.ProcessEnv
  /** Whether `redis-server` is found. */
  redis?: boolean
}

export class Dev {
  readonly child: ChildProcess
  /** Everything that it has printed. */
  readonly lines: string[] = []
  #waiting: (() => void)[] = []
  #ended = false

  constructor(place: Place, { args = [], env = {}, redis = false }: DevSettings = {}) {
    const { REDIS_URL: _, ...own } = process.env
    this.child = spawn(process.execPath, [place.cli, 'dev', 'src/server.ts', ...args], {
      cwd: place.folder,
      env: { ...own, PORT: '0', SHUTDOWN_SECONDS: '60', TMPDIR: place.temporary, ...(!redis && { PATH: '' }), ...env },
      stdio: 'pipe',
    })
    for (const input of [this.child.stdout, this.child.stderr]) {
      if (input) createInterface({ input }).on('line', (line) => this.#add(line))
    }
    this.child.once('close', () => {
      this.#ended = true
      this.#wake()
    })
  }

  /** Starts it and waits until the server answers. */
  static async start(place: Place, settings?: DevSettings): Promise<Dev> {
    const dev = new Dev(place, settings)
    await dev.line(/^MCP endpoint/)
    await dev.line(/^Keys/)
    return dev
  }

  get url(): URL {
    const [address] = this.lines.flatMap((line) => /^MCP endpoint +(\S+)$/.exec(line)?.[1] ?? [])
    return new URL(address ?? '')
  }

  /** The first line that matches, from the line number `from` on. */
  async line(pattern: RegExp, from = 0): Promise<string> {
    for (;;) {
      const found = this.lines.slice(from).find((line) => pattern.test(line))
      if (found !== undefined) return found
      if (this.#ended) throw new Error(`It ended without ${pattern}:\n${this.lines.join('\n')}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Does something, and waits for a line that is printed afterwards. */
  async after(act: () => unknown, pattern: RegExp): Promise<string> {
    const from = this.lines.length
    await act()
    return this.line(pattern, from)
  }

  press(key: string): void {
    this.child.stdin?.write(`${key}\n`)
  }

  /** Resolves with the exit code, or the signal. */
  async ended(): Promise<number | string | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit')
    return this.child.exitCode ?? this.child.signalCode
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM')
    await this.ended()
  }

  #add(line: string): void {
    this.lines.push(line)
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}

export const SERVES = /The new version serves/

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
