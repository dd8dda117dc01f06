/** `mcp-anywhere dev`: serves a server while it is written, as it will be served: by several instances. */
import { mkdtempSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { systemClock } from '../../base/clock.ts'
import { randomId } from '../../base/ids.ts'
import { randomKey } from '../../base/sealing.ts'
import { memoryStore } from '../../store/memory/index.ts'
import type { Command } from '../command.ts'
import { serverFile } from '../config.ts'
import { loadEnvFile } from '../env-file.ts'
import { settingsOf } from '../settings.ts'
import { Balancer } from './balancer.ts'
import { banner } from './banner.ts'
import { Fleet } from './fleet.ts'
import { startGuard } from './guard.ts'
import { type DevOptions, readOptions } from './options.ts'
import { startOwnRedis } from './redis.ts'
import { refusalLines } from './refusals.ts'
import { Reloader } from './reloader.ts'
import { serveStore } from './store/serve-store.ts'
import { Terminal } from './terminal.ts'
import { Versions } from './versions.ts'

/** How long calls under way have after Ctrl-C, in ms. */
const LAST_CALLS = 2_000
/** An end that takes longer than this, in ms, has a line that says why. */
const AT_ONCE = 300
/** What an instance may take to end beyond the time that its settings give its calls, in ms. */
const SLACK = 1_000
/** The longest path of a Unix socket is 104 bytes on macOS, 108 on Linux. */
const LONGEST_FOLDER = 80

export const command: Command = {
  usage: '[server.ts] [--port 3000] [--instances 2] [--inspect[=9229]]',
  summary:
    'Serves a server while it is written, by two instances in turn; a change is served without losing a session.',
  run,
}

async function run(args: string[]): Promise<void> {
  const options = readOptions(command, args)
  loadEnvFile(process.cwd())
  const server = await serverFile(process.cwd(), options.server)
  const terminal = new Terminal()
  const env = environment(options, terminal)
  const { port: wanted, host } = settingsOf(env)
  const balancer = new Balancer()
  const port = await balancer.listen(wanted, host)

  const folder = temporaryFolder()
  const guard = startGuard([folder])
  const end = new End(terminal, () => guard.end())
  const redis =
    env.REDIS_URL === undefined ? await startOwnRedis({ folder, guard, say: (line) => terminal.say(line) }) : undefined
  if (redis) env.REDIS_URL = redis.url
  const settings = settingsOf(env)
  for (const warning of settings.warnings) terminal.warn(warning)
  const memory = env.REDIS_URL === undefined ? memoryStore({ maxBytes: settings.endpoint.http?.maxMemory }) : undefined

  const killToken = randomId(12)
  const fleet = new Fleet({
    size: options.instances,
    killToken,
    folder,
    env,
    ownRedis: redis !== undefined,
    inspect: options.inspect,
    patience: settings.shutdown + SLACK,
    balancer,
    guard,
    terminal,
    connect: (child) => memory && serveStore(memory, child),
    refused: refusalLines((line) => terminal.warn(line)),
  })
  const versions = await Versions.open(server, folder)
  const sessions = redis ? 'own Redis' : (settings.redisName ?? 'memory')
  const started = () => {
    const name = fleet.name ?? 'server'
    const { path = '/mcp' } = settings.endpoint
    const { instances } = options
    const facts = { host, port, path, name, sessions, instances, killToken: settings.page ? killToken : undefined }
    for (const line of banner(facts)) terminal.print(line)
  }
  const reloader = new Reloader({ versions, fleet, balancer, terminal, started })
  end.begin = async () => {
    await reloader.end()
    await fleet.end(LAST_CALLS)
    balancer.close()
    redis?.release()
  }
  readKeys({ r: () => void reloader.reload(true), q: () => end.signal() })
  await reloader.reload()
}

/** The end of the command: in good order, and at the second signal at once. */
class End {
  /** What is done in good order. */
  begin: () => Promise<void> = async () => {}
  readonly #terminal: Terminal
  readonly #last: () => Promise<void>
  #begun = false

  /** @param last ends every process that is left and removes every folder */
  constructor(terminal: Terminal, last: () => Promise<void>) {
    this.#terminal = terminal
    this.#last = last
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.signal())
  }

  async signal(): Promise<void> {
    if (this.#begun) return this.#exit(1)
    this.#begun = true
    systemClock.after(AT_ONCE, () => this.#terminal.say('Calls are under way. Ctrl-C again ends them.'))
    await this.begin()
    await this.#exit(0)
  }

  async #exit(code: number): Promise<void> {
    await this.#last()
    process.exit(code)
  }
}

/** What the instances get: the environment of this process, and what they share. */
function environment({ port }: DevOptions, { color }: Terminal): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { NODE_ENV: 'development', ...process.env }
  if (port !== undefined) env.PORT = port
  env.MCP_SECRET ||= Buffer.from(randomKey()).toString('base64')
  // The round robin is one more proxy.
  env.TRUSTED_PROXIES = String((settingsOf(env).endpoint.http?.proxies ?? 0) + 1)
  // The output of an instance goes through a pipe.
  if (color) env.FORCE_COLOR ??= '1'
  else env.NO_COLOR ??= '1'
  if (!env.REDIS_URL?.trim()) delete env.REDIS_URL
  return env
}

/** A folder for bundles and sockets. */
function temporaryFolder(): string {
  const usual = realpathSync(tmpdir())
  const base = usual.length > LONGEST_FOLDER && process.platform !== 'win32' ? '/tmp' : usual
  return mkdtempSync(join(base, 'mcp-anywhere-dev-'))
}

/** Calls a function for the line that is its name. */
function readKeys(keys: Readonly<Record<string, () => void>>): void {
  process.stdin.on('error', () => {})
  createInterface({ input: process.stdin }).on('line', (line) => keys[line.trim()]?.())
}
