/** Three instances as they are deployed, on one Redis, with one key: and the commands of an operator beside them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { vi } from 'vitest'
import { command as calls } from '../../../lib/cli/admin/calls.ts'
import { command as instances } from '../../../lib/cli/admin/instances.ts'
import { command as sessions } from '../../../lib/cli/admin/sessions.ts'
import { command as tasks } from '../../../lib/cli/admin/tasks.ts'
import { type Command, Failure } from '../../../lib/cli/command.ts'
import { root } from '../../../tools/build.ts'
import { Project } from '../../cli/project.ts'

const SECRET = Buffer.alloc(32, 'a key for operators').toString('base64')

export interface DeployedInstance {
  url: string
  child: ChildProcess
}

export class Deployment {
  readonly project: Project = new Project({})
  readonly env: Record<string, string>
  readonly instances: DeployedInstance[] = []

  constructor(redisUrl: string, more: Record<string, string> = {}) {
    this.env = { REDIS_URL: redisUrl, MCP_SECRET: SECRET, ...more }
    // The commands read it, as that of a deployment on the machine of its operator.
    const lines = Object.entries(this.env).map(([name, value]) => `${name}=${value}\n`)
    writeFileSync(join(this.project.folder, 'prod.env'), lines.join(''))
  }

  async start(more: Record<string, string> = {}, module = 'everything'): Promise<DeployedInstance> {
    const entry = join(root, 'test/support/node-entry.ts')
    const server = join(root, `test/fixtures/${module}.ts`)
    const child = spawn(process.execPath, [entry, server], {
      env: { PATH: process.env.PATH, PORT: '0', LOG: '0', ...this.env, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const lines: string[] = []
    const url = await new Promise<string>((resolve, reject) => {
      for (const input of [child.stdout, child.stderr]) {
        createInterface({ input }).on('line', (line) => {
          lines.push(line)
          const [found] = /http:\S+\/mcp/.exec(line) ?? []
          if (found !== undefined) resolve(found)
        })
      }
      child.once('exit', (code) => reject(new Error(`The instance ended with ${code}:\n${lines.join('\n')}`)))
    })
    const instance = { url, child }
    this.instances.push(instance)
    return instance
  }

  /** Runs a command, and reads its JSON. */
  async json(...args: string[]): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await this.run(...args, '--json')
    if (code !== 0) throw new Error(stderr)
    return JSON.parse(stdout) as Record<string, unknown>
  }

  /** As a process of its own. */
  spawn(...args: string[]): Promise<Ended> {
    return this.project.run(...args, '--env-file', 'prod.env')
  }

  /** In this process, which is much quicker. */
  async run(...args: string[]): Promise<Ended> {
    const [name = '', ...rest] = args
    return runHere(name, [...rest, '--env-file', join(this.project.folder, 'prod.env')], Object.keys(this.env))
  }

  async stop(): Promise<void> {
    await Promise.all(this.instances.map((instance) => end(instance, 'SIGKILL')))
    await this.project.remove()
  }
}

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

const COMMANDS: Record<string, Command> = { instances, sessions, calls, tasks }

/** @param variables those that the command takes from a file: they are removed afterwards */
export async function runHere(name: string, args: string[], variables: string[]): Promise<Ended> {
  const ended: Ended = { code: 0, stdout: '', stderr: '' }
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => {
    ended.stdout += `${line}\n`
  })
  try {
    await COMMANDS[name]?.run(args)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    Object.assign(ended, { code: 1, stderr: `${error.message}\n` })
  } finally {
    log.mockRestore()
    for (const variable of variables) delete process.env[variable]
  }
  return ended
}

/** Ends an instance with a signal. */
export async function end({ child }: DeployedInstance, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}
