/** A process that prints the address of its endpoint, as `listen` does. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'

interface Served {
  /** Its `/mcp`. */
  url: URL
  /** Sends SIGTERM. Resolves with the exit code, or with the name of the signal that ended the process. */
  end(): Promise<number | string>
}

/**
 * Starts a program. Resolves when it listens; it ends with the test at the latest.
 *
 * @throws Error with everything that it printed, where it ends before
 */
export async function served(program: string, args: readonly string[], cwd: string, env = {}): Promise<Served> {
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const gone = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await gone
  })
  const output: string[] = []
  const address = new Promise<string>((resolve) => {
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', (line) => {
        output.push(line)
        const found = /\bhttp:\S+/.exec(line)?.[0]
        if (found) resolve(found)
      })
    }
  })
  const early = gone.then(([code, signal]) => {
    throw new Error(`${program} ${args.join(' ')} ended with ${code ?? signal}:\n${output.join('\n')}`)
  })
  early.catch(() => {})
  const url = new URL('/mcp', await Promise.race([address, early]))
  return {
    url,
    async end() {
      child.kill('SIGTERM')
      const [code, signal] = await gone
      if (code) console.error(output.join('\n'))
      return code ?? signal
    },
  }
}
