/** The Redis that `dev` starts for itself: on a Unix socket, in a folder of its own, without files that stay. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { Guard } from './guard.ts'

const NAMES = ['redis-server', 'valkey-server']
/** The oldest that the store can use. */
const OLDEST = [6, 2]

interface OwnRedis {
  /** The value for REDIS_URL. */
  readonly url: string
  /** From now on its end is no accident. */
  release(): void
}

interface RedisParts {
  /** A folder that goes with this process. */
  folder: string
  guard: Guard
  say(line: string): void
}

/**
 * Starts Redis, and starts it again where it ends.
 *
 * @returns undefined where there is no `redis-server`, or none that can be used
 */
export async function startOwnRedis({ folder, guard, say }: RedisParts): Promise<OwnRedis | undefined> {
  const binary = process.platform === 'win32' ? undefined : findProgram(NAMES)
  if (binary === undefined) return undefined
  const version = await versionOf(binary)
  if (version === undefined || isOlder(version)) {
    say(
      `${binary} is not used: Redis ${version?.join('.') ?? 'of an unknown version'} is older than ${OLDEST.join('.')}.`,
    )
    return undefined
  }
  const socket = join(folder, 'redis.sock')
  let released = false
  const start = async () => {
    const child = spawn(binary, settings(folder, socket), { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    guard.watch(child)
    await ready(child)
    child.once('exit', (code, signal) => {
      if (released) return
      say(`Redis has ended (${signal ?? code}). It is started again; its sessions are lost.`)
      start().catch((error: Error) => say(error.message))
    })
  }
  try {
    await start()
  } catch (error) {
    say(`${(error as Error).message} Sessions are in memory.`)
    return undefined
  }
  const path = socket.split('/').map(encodeURIComponent).join('/')
  return {
    url: `unix://${path}`,
    release() {
      released = true
    },
  }
}

function settings(folder: string, socket: string): string[] {
  const values = { port: '0', unixsocket: socket, unixsocketperm: '700', dir: folder, save: '', appendonly: 'no' }
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, value])
}

/** @throws Error with the last line that Redis wrote, where it does not start */
async function ready(child: ChildProcess): Promise<void> {
  let ended = () => {}
  await new Promise<void>((resolve, reject) => {
    let log = ''
    const read = (chunk: Buffer) => {
      log = (log + chunk).slice(-4_000)
      if (/ready to accept connections/i.test(log)) resolve()
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('error', (error) => reject(new Error(`redis-server does not start: ${error.message}.`)))
    ended = () => reject(new Error(`redis-server does not start: ${log.trim().split('\n').at(-1)}.`))
    child.once('exit', ended)
  })
  child.off('exit', ended)
}

function findProgram(names: readonly string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** `Redis server v=7.2.4 sha=…`, `Valkey server v=8.0.1 …` */
async function versionOf(binary: string): Promise<number[] | undefined> {
  const { stdout } = await promisify(execFile)(binary, ['--version']).catch(() => ({ stdout: '' }))
  const [, version] = /\bv=(\d+\.\d+)/.exec(stdout) ?? []
  return version?.split('.').map(Number)
}

function isOlder([major = 0, minor = 0]: readonly number[]): boolean {
  const [oldest = 0, least = 0] = OLDEST
  return major < oldest || (major === oldest && minor < least)
}
