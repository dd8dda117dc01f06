/** A machine that has Node and npm, and no other program unless a test names it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

export interface MachineOptions {
  /** For its programs, settings and caches. */
  folder: string
  /** The npm registry. */
  registry: string
  /** Default: the one that runs the tests. */
  node?: string
  /** Other programs: paths. */
  programs?: readonly string[]
}

type Env = Readonly<Record<string, string>>

export class Machine {
  /** The variables of its processes. */
  readonly env: Env

  constructor({ folder, registry, node = process.execPath, programs = [] }: MachineOptions) {
    const bin = join(folder, 'bin')
    mkdirSync(bin, { recursive: true })
    symlinkSync(node, join(bin, 'node'))
    for (const path of [...['npm', 'npx', 'sh'].map(onPath), ...programs]) {
      symlinkSync(realpathSync(path), join(bin, path.slice(path.lastIndexOf('/') + 1)))
    }
    // npm publishes with a token only; the registry takes any.
    const npmrc = join(folder, 'npmrc')
    const { host } = new URL(registry)
    writeFileSync(npmrc, `registry=${registry}/\n//${host}/:_authToken=anybody\naudit=false\nupdate-notifier=false\n`)
    // No variable of the tests, and of the npm that runs them, reaches these processes.
    this.env = {
      PATH: bin,
      HOME: folder,
      TMPDIR: tmpdir(),
      npm_config_userconfig: npmrc,
      npm_config_cache: join(folder, '..', 'npm-cache'),
    }
  }

  /** Runs a command line until it ends. @returns its output. @throws Error with the output, where it fails */
  async run(line: string, cwd: string, env: Env = {}): Promise<string> {
    const options = { cwd, env: { ...this.env, ...env }, maxBuffer: 64 << 20 }
    const { stdout, stderr } = await promisify(execFile)('sh', ['-c', line], options).catch(
      (error: { stdout?: string; stderr?: string }) => {
        throw new Error(`${line}\n${error.stdout ?? ''}${error.stderr ?? ''}`)
      },
    )
    return stdout + stderr
  }

  /** Starts a command line that goes on. */
  start(line: string, cwd: string, env: Env = {}): Running {
    const options = { cwd, env: { ...this.env, ...env }, detached: true }
    return new Running(line, spawn('sh', ['-c', line], options))
  }
}

/** The path of a program of the machine that runs the tests. */
export function onPath(name: string): string {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
  if (found === undefined) throw new Error(`There is no ${name} on PATH.`)
  return found
}

/** A command with everything below it, as a terminal runs it. */
export class Running {
  readonly lines: string[] = []
  readonly #line: string
  readonly #child: ChildProcess
  readonly #waiting = new Set<() => void>()

  constructor(line: string, child: ChildProcess) {
    this.#line = line
    this.#child = child
    const die = () => this.#signal('SIGKILL')
    process.once('exit', die)
    child.once('exit', () => {
      process.removeListener('exit', die)
      this.#wake()
    })
    for (const input of [child.stdout, child.stderr]) {
      if (input === null) continue
      createInterface({ input }).on('line', (text) => {
        this.lines.push(text)
        this.#wake()
      })
    }
  }

  /**
   * Resolves with the first match in the lines from `first` on, also if that line was written before.
   *
   * @throws Error with all lines, where the command ends first
   */
  async line(pattern: RegExp, first = 0): Promise<RegExpExecArray> {
    for (;;) {
      for (const text of this.lines.slice(first)) {
        const match = pattern.exec(text)
        if (match) return match
      }
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`"${this.#line}" ended without ${pattern}:\n${this.lines.join('\n')}`)
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  /** Ctrl-C. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#signal('SIGINT')
    await once(this.#child, 'exit')
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-(this.#child.pid ?? 0), signal)
    } catch {
      // The group has ended.
    }
  }
}
