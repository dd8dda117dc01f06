/** Programs that `mcp-anywhere serve` serves, in a folder that has installed the packages of `fixtures`. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { CLI } from '../project.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures')

type Variables = Readonly<Record<string, string>>

export class Served {
  /** Everything that the process has written, by lines. */
  readonly lines: string[]
  readonly url: URL
  /** Resolves with the exit code when the process has ended. */
  readonly code: Promise<number | null>
  readonly #child: ChildProcess
  readonly #waiting: Set<() => void>

  constructor(child: ChildProcess, url: URL, lines: string[], code: Promise<number | null>, waiting: Set<() => void>) {
    this.#child = child
    this.url = url
    this.lines = lines
    this.code = code
    this.#waiting = waiting
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

/** A folder in which the packages are installed, as links. */
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

  /** Starts `mcp-anywhere serve <args>`, and resolves when it listens. @throws Error with its output where it ends before */
  async serve(args: readonly string[], env: Variables = {}): Promise<Served> {
    const child = spawn(process.execPath, [CLI, 'serve', ...args], {
      cwd: this.path,
      env: { PATH: process.env.PATH, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const die = () => child.kill('SIGKILL')
    process.once('exit', die)
    const code = once(child, 'close').then(() => child.exitCode)
    code.finally(() => process.removeListener('exit', die))
    const lines: string[] = []
    const waiting = new Set<() => void>()
    const url = await new Promise<URL>((resolve, reject) => {
      for (const input of [child.stdout, child.stderr]) {
        createInterface({ input }).on('line', (line) => {
          lines.push(line)
          for (const each of waiting) each()
          waiting.clear()
          const address = /^MCP endpoint {2}(http:\S+)/.exec(line)?.[1]
          if (address) resolve(new URL(address))
        })
      }
      code.then((ended) => reject(new Error(`It ended with ${ended}:\n${lines.join('\n')}`)))
    })
    const served = new Served(child, url, lines, code, waiting)
    this.#running.add(served)
    return served
  }

  async remove(): Promise<void> {
    await Promise.all([...this.#running].map((served) => served.stop()))
    rmSync(this.path, { recursive: true, force: true })
  }
}
