/** Processes of `mcp-anywhere serve`. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { CLI } from '../project.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures')

interface ServeOptions {
  cwd: string
  env?: Readonly<Record<string, string>> | undefined
  /** The program of `mcp-anywhere`; default: that of this checkout. */
  cli?: string | undefined
}

export class Served {
  /** Everything that the process has written, by lines. */
  readonly lines: string[] = []
  /** Resolves with the exit code when the process has ended. */
  readonly code: Promise<number | null>
  readonly #child: ChildProcess
  readonly #waiting = new Set<() => void>()
  #url: URL | undefined

  private constructor(args: readonly string[], { cwd, env, cli = CLI }: ServeOptions) {
    const { PATH, HOME, NODE_COMPILE_CACHE } = process.env
    const child = spawn(process.execPath, [cli, 'serve', ...args], {
      cwd,
      env: { PATH, HOME, NODE_COMPILE_CACHE, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    const die = () => child.kill('SIGKILL')
    process.once('exit', die)
    this.code = once(child, 'close').then(() => child.exitCode)
    this.code.finally(() => process.removeListener('exit', die))
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', (line) => {
        this.lines.push(line)
        for (const resolve of this.#waiting) resolve()
        this.#waiting.clear()
      })
    }
  }

  /** Resolves when it listens. @throws Error with its output where it ends before */
  static async start(args: readonly string[], options: ServeOptions): Promise<Served> {
    const served = new Served(args, options)
    const ended = served.code.then((code) => {
      throw new Error(`It ended with ${code}:\n${served.lines.join('\n')}`)
    })
    const line = await Promise.race([served.line(/^MCP endpoint {2}http:/), ended])
    served.#url = new URL(line.replace(/^MCP endpoint {2}/, ''))
    return served
  }

  get url(): URL {
    if (!this.#url) throw new Error('It does not listen yet.')
    return this.#url
  }

  /** Resolves when a line matches. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line))
      if (found !== undefined) return found
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async stop(): Promise<void> {
    this.kill('SIGKILL')
    await this.code
  }
}

/** A folder in which the packages of `fixtures` are installed, as links. */
export class Folder {
  readonly path: string = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-anywhere-serve-')))
  readonly #running = new Set<Served>()

  constructor() {
    for (const fixture of readdirSync(FIXTURES)) {
      const { name } = JSON.parse(readFileSync(join(FIXTURES, fixture, 'package.json'), 'utf8'))
      const link = join(this.path, 'node_modules', name)
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(join(FIXTURES, fixture), link)
    }
  }

  /** {@link Served.start} in this folder. */
  async serve(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Served> {
    const served = await Served.start(args, { cwd: this.path, env })
    this.#running.add(served)
    return served
  }

  async remove(): Promise<void> {
    await Promise.all([...this.#running].map((served) => served.stop()))
    rmSync(this.path, { recursive: true, force: true })
  }
}
