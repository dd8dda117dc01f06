/** A public server that was moved to this package: three processes of it on one Redis, and the server as it was. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import type { ClientCapabilities } from '@modelcontextprotocol/sdk/types.js'
import { inject } from 'vitest'
import { installed } from '../more/support/installed.ts'
import { freePort } from '../support/ports.ts'
import { startRoundRobin } from '../support/proxy.ts'
import { startRedis } from '../support/redis.ts'
import { parsePatch, patched } from './patch.ts'
import { type Port, type PortName, ports } from './ports.ts'

const SIZE = 3
/** Of all three: what one has sealed, the others open. */
const MCP_SECRET = Buffer.alloc(32, 'a key for tests').toString('base64')
const REDIRECT = new URL('redirect-fetch.ts', import.meta.url).href

export interface PortFleet {
  /** The endpoint behind the load balancer. */
  url: URL
  /** The number of requests to each process. */
  counts: readonly number[]
  /** What the processes have written to stderr. */
  errors: readonly string[]
  /** The server of the package as it is, by stdio. It ends with the fleet. */
  original(capabilities?: ClientCapabilities): Promise<Client>
  stop(): Promise<void>
}

/**
 * Copies the server out of its package, applies its diff, and starts it three times.
 *
 * @param variables for all processes of the server, also the one of the package as it is
 */
export async function startPort(name: PortName, variables: Record<string, string> = {}): Promise<PortFleet> {
  const port: Port = ports[name]
  const modules = join(await installed('ports'), 'node_modules')
  const folder = mkdtempSync(join(tmpdir(), `mcp-anywhere-${name}-`))
  symlinkSync(modules, join(folder, 'node_modules'))
  const moved = movedServer(name, port, modules, folder)
  const original = originalServer(port, modules, folder)
  const redis = await startRedis()
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...variables }
  const errors: string[] = []
  const started = Array.from({ length: SIZE }, async () => {
    const http = port.http?.(await freePort()) ?? port.stdio
    const own = { ...env, PORT: '0', REDIS_URL: redis.url, MCP_SECRET }
    return startProcess(['--import', REDIRECT, join(moved, port.program), ...http], moved, own, errors)
  })
  const processes = await Promise.all(started)
  const proxy = await startRoundRobin(processes.map(({ address }) => address))
  const clients: Client[] = []
  return {
    url: new URL('/mcp', proxy.url),
    counts: proxy.counts,
    errors,
    async original(capabilities = {}) {
      const transport = new StdioClientTransport({
        command: process.execPath,
        args: ['--import', REDIRECT, join(original, port.program), ...port.stdio],
        cwd: folder,
        env: Object.fromEntries(
          Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
        ),
        stderr: 'ignore',
      })
      const client = new Client({ name: 'official', version: '1.0.0' }, { capabilities })
      clients.push(client)
      await client.connect(transport)
      return client
    },
    async stop() {
      await Promise.all(clients.map((client) => client.close()))
      await proxy.close()
      await Promise.all(processes.map(({ end }) => end()))
      await redis.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** @returns the folder of the moved server. It finds its dependencies, and this package as npm installs it. */
function movedServer(name: PortName, port: Port, modules: string, folder: string): string {
  const moved = join(folder, name)
  cpSync(join(modules, port.package), moved, { recursive: true })
  const text = readFileSync(join(import.meta.dirname, `${name}.patch`), 'utf8')
  for (const patch of parsePatch(text)) {
    const file = join(moved, patch.path)
    writeFileSync(file, patched(readFileSync(file, 'utf8'), patch))
  }
  mkdirSync(join(moved, 'node_modules'), { recursive: true })
  symlinkSync(join(inject('installation'), 'node_modules/mcp-anywhere'), join(moved, 'node_modules/mcp-anywhere'))
  return moved
}

/** @returns the folder of the server as it is published, which starts */
function originalServer({ package: name, mend }: Port, modules: string, folder: string): string {
  if (!mend) return join(modules, name)
  const original = join(folder, 'original')
  cpSync(join(modules, name), original, { recursive: true })
  const file = join(original, mend.file)
  const text = readFileSync(file, 'utf8')
  const mended = text.replaceAll(mend.from, mend.to)
  if (mended === text) throw new Error(`${name} needs no mending any more.`)
  writeFileSync(file, mended)
  return original
}

interface Process {
  /** Without a path. */
  address: string
  end(): Promise<void>
}

/** Resolves when the server has printed its address. */
async function startProcess(
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
  errors: string[],
): Promise<Process> {
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const die = () => child.kill('SIGKILL')
  process.once('exit', die)
  const gone = once(child, 'exit').finally(() => process.removeListener('exit', die))
  const address = await new Promise<string>((resolve, reject) => {
    const read = (line: string) => {
      const found = /\bhttp:\/\/[\w.]+:\d+(?=\/mcp\b)/.exec(line)?.[0]
      if (found) resolve(found.replace('localhost', '127.0.0.1'))
    }
    createInterface({ input: child.stdout }).on('line', read)
    createInterface({ input: child.stderr }).on('line', (line) => {
      errors.push(line)
      read(line)
    })
    gone.then(([code]) => reject(new Error(`The server ended with ${code}:\n${errors.join('\n')}`)), reject)
  })
  return {
    address,
    async end() {
      child.kill('SIGKILL')
      await gone
    },
  }
}
