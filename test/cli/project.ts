/** A project of an author, in a folder of its own, with this package installed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach } from 'vitest'
import { root } from '../../tools/build.ts'

export const CLI = join(root, 'lib/cli/main.ts')

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export class Project {
  readonly folder: string = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-anywhere-project-')))
  readonly #running = new Set<ChildProcess>()

  /**
   * @param files content by path; `package.json` is one of an ES module unless it is given
   * @param packages names in the node_modules of this project that the author has installed, too
   */
  constructor(files: Record<string, string>, packages: string[] = ['zod']) {
    this.write({ 'package.json': '{"type":"module"}', ...files })
    mkdirSync(join(this.folder, 'node_modules'), { recursive: true })
    symlinkSync(root, join(this.folder, 'node_modules/mcp-anywhere'))
    for (const name of packages) symlinkSync(join(root, 'node_modules', name), join(this.folder, 'node_modules', name))
  }

  write(files: Record<string, string>): void {
    for (const [name, content] of Object.entries(files)) {
      const file = join(this.folder, name)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
    }
  }

  #spawn(file: string, args: string[], env: Record<string, string>): ChildProcess {
    const child = spawn(process.execPath, [file, ...args], {
      cwd: this.folder,
      env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#running.add(child)
    child.once('exit', () => this.#running.delete(child))
    return child
  }

  /** Runs a command of `mcp-anywhere` to its end. An object among the arguments has variables of the environment. */
  async run(...args: (string | Record<string, string>)[]): Promise<Ended> {
    const words = args.filter((arg) => typeof arg === 'string')
    const child = this.#spawn(CLI, words, Object.assign({}, ...args.filter((arg) => typeof arg === 'object')))
    const ended: Ended = { code: null, stdout: '', stderr: '' }
    child.stdout?.on('data', (data) => {
      ended.stdout += data
    })
    child.stderr?.on('data', (data) => {
      ended.stderr += data
    })
    await once(child, 'close')
    ended.code = child.exitCode
    return ended
  }

  /** Starts a program that listens: `start` and its arguments, or the file of a bundle. Resolves with its address. */
  async serve(args: string[], env: Record<string, string> = {}): Promise<URL> {
    const [first = '', ...rest] = args
    const child = first === 'start' ? this.#spawn(CLI, args, env) : this.#spawn(join(this.folder, first), rest, env)
    const output: string[] = []
    const address = await new Promise<string>((resolve, reject) => {
      for (const input of [child.stdout, child.stderr]) {
        if (!input) continue
        createInterface({ input }).on('line', (line) => {
          output.push(line)
          const found = /http:\S+\/mcp/.exec(line)
          if (found) resolve(found[0])
        })
      }
      child.once('close', (code) => reject(new Error(`"${args.join(' ')}" ended with ${code}:\n${output.join('\n')}`)))
    })
    return new URL(address)
  }

  /** Ends what runs with a signal, and resolves with the exit codes. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<(number | null)[]> {
    return Promise.all(
      [...this.#running].map(async (child) => {
        child.kill(signal)
        await once(child, 'exit')
        return child.exitCode
      }),
    )
  }

  async remove(): Promise<void> {
    await this.end()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Makes projects that are removed after the test which has made them. To be called at the top of a test file. */
export function projectsOfTests(): (...given: ConstructorParameters<typeof Project>) => Project {
  const projects: Project[] = []
  afterEach(() => Promise.all(projects.splice(0).map((project) => project.remove())))
  return (...given) => {
    const made = new Project(...given)
    projects.push(made)
    return made
  }
}
