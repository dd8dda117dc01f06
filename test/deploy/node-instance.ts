/** The bundled Node entry in a process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { bundle } from '../../tools/build.ts'

export interface LogLine {
  severity: string
  message?: string
  id?: string
  http?: string
  method?: string
  session?: string
  revision?: string
  status?: number
  ms?: number
  address?: string
}

/** The bundle of the everything server; `remove` deletes it. */
export async function nodeBundle(): Promise<{ file: string; remove(): void }> {
  const out = mkdtempSync(join(tmpdir(), 'mcp-anywhere-node-'))
  await bundle({ server: fileURLToPath(new URL('../fixtures/everything.ts', import.meta.url)), out })
  return { file: join(out, 'node', 'server.mjs'), remove: () => rmSync(out, { recursive: true, force: true }) }
}

export class NodeInstance {
  readonly child: ChildProcess
  /** The lines of its output. */
  readonly output: string[] = []
  /** The address of its endpoint. */
  url = new URL('http://127.0.0.1')

  private constructor(file: string, env: Record<string, string>, args: string[]) {
    const { PATH, NODE_COMPILE_CACHE } = process.env
    this.child = spawn(process.execPath, [file, ...args], {
      env: { PATH, NODE_COMPILE_CACHE, PORT: '0', LOG: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const die = () => this.child.kill('SIGKILL')
    process.once('exit', die)
    this.child.once('exit', () => process.removeListener('exit', die))
  }

  static async start(file: string, env: Record<string, string> = {}, ...args: string[]): Promise<NodeInstance> {
    const instance = new NodeInstance(file, env, args)
    const { child, output } = instance
    const address = await new Promise<string>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        if (!stream) continue
        createInterface({ input: stream }).on('line', (line) => {
          output.push(line)
          const found = /http:\/\/[^/ ]+\/mcp/.exec(line)
          if (found) resolve(found[0])
        })
      }
      child.once('exit', (code) => reject(new Error(`The instance ended with ${code}:\n${output.join('\n')}`)))
    })
    instance.url = new URL(address)
    return instance
  }

  /** The log so far. */
  get log(): LogLine[] {
    return this.output.map((line) => JSON.parse(line) as LogLine)
  }

  at(path: string): URL {
    return new URL(path, this.url)
  }

  /** Resolves with the exit code or the name of the signal. */
  async ended(): Promise<number | string> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit')
    return this.child.exitCode ?? this.child.signalCode ?? ''
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended()
  }
}
