/** An example as a process, started by the command that examples/README.md gives. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

/** The commands of examples/README.md by the name of the example. */
export const commands: ReadonlyMap<string, string> = new Map(
  [...read('examples/README.md').matchAll(/^\| \[([^\]]+)\].*`([^`]+)` \|$/gm)].map(([, name = '', command = '']) => [
    name,
    command,
  ]),
)

/** The arguments of Node in a command. `npm start` is the script of package.json, whose first two words are a Node of its own. */
function argumentsOf(command: string): string[] {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: { start: string } }
  return command
    .replace(/^npm start --/, scripts.start.replace(/^node tools\/node\.mjs/, 'node'))
    .split(' ')
    .slice(1)
}

export class Example {
  readonly #child: ChildProcess
  /** Its `/mcp`. */
  readonly url: URL

  private constructor(child: ChildProcess, url: URL) {
    this.#child = child
    this.url = url
  }

  /** Starts an example by the command of examples/README.md. Resolves when it listens. */
  static start(name: string, env: Record<string, string> = {}): Promise<Example> {
    const command = commands.get(name)
    if (command === undefined) throw new Error(`examples/README.md has no ${name}.`)
    return Example.run(argumentsOf(command), env)
  }

  /** Runs Node with these arguments. Resolves when the process listens. */
  static async run(args: string[], env: Record<string, string> = {}): Promise<Example> {
    const { PATH, NODE_COMPILE_CACHE } = process.env
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { PATH, NODE_COMPILE_CACHE, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const die = () => child.kill('SIGKILL')
    process.once('exit', die)
    child.once('exit', () => process.removeListener('exit', die))
    const output: string[] = []
    const address = await new Promise<string>((resolve, reject) => {
      for (const input of [child.stdout, child.stderr]) {
        createInterface({ input }).on('line', (line) => {
          output.push(line)
          const found = /^MCP endpoint {2}(http:\S+)/.exec(line)?.[1]
          if (found) resolve(found)
        })
      }
      child.once('exit', (code) => reject(new Error(`"${args.join(' ')}" ended with ${code}:\n${output.join('\n')}`)))
    })
    return new Example(child, new URL(address))
  }

  at(path: string): URL {
    return new URL(path, this.url)
  }

  /** Sends the signal, and resolves with the exit code (or the signal's name). */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | string> {
    this.#child.kill(signal)
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
    return this.#child.exitCode ?? this.#child.signalCode ?? ''
  }
}
