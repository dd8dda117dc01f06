/** The store of a deployment, as the commands for operators open it: with the settings of its instances. */
import { readFileSync } from 'node:fs'
import type { Settings } from '../../platform/environment.ts'
import { redisOptions } from '../../platform/redis.ts'
import { redisStore } from '../../store/redis/index.ts'
import { sealedStore } from '../../store/sealed.ts'
import { type AdminStore, type Store, StoreUnavailable } from '../../store/store.ts'
import { Failure } from '../command.ts'
import { loadEnvFile } from '../env-file.ts'
import { orFailure, settingsOf } from '../settings.ts'

/** The options that all of these commands have. */
export const OPTIONS = {
  'env-file': { type: 'string' },
  json: { type: 'boolean', default: false },
} as const

/** Those of a command that lists page by page, and ends one by its key. */
export const LIST_OPTIONS = {
  ...OPTIONS,
  limit: { type: 'string' },
  cursor: { type: 'string' },
  session: { type: 'string' },
  end: { type: 'string' },
} as const

export interface Opened {
  settings: Settings
  store: Store
  admin: AdminStore
}

const IN_MEMORY =
  'REDIS_URL is not set: sessions are in the memory of each process then, and no other process sees them. Set it as the ' +
  'instances have it, in the environment, in .env or with --env-file.'

/**
 * Runs `work` with the store of the settings: those of the environment, which go first, and of the file.
 *
 * @throws Failure with one line where the settings are wrong, there is no Redis, or it does not answer
 */
export async function withAdmin(envFile: string | undefined, work: (opened: Opened) => Promise<void>): Promise<void> {
  if (envFile === undefined) loadEnvFile(process.cwd())
  else loadNamed(envFile)
  const settings = settingsOf(process.env)
  if (settings.redisUrl === undefined) throw new Failure(IN_MEMORY)
  const { keys, unsealed } = settings.endpoint
  const given = orFailure(() => redisStore(redisOptions(settings)))
  const store = keys ? sealedStore(given, keys, unsealed) : given
  try {
    const admin = await store.admin?.()
    if (!admin) throw new Failure(IN_MEMORY)
    await work({ settings, store, admin })
  } catch (error) {
    if (error instanceof StoreUnavailable) throw new Failure(error.message)
    throw error
  } finally {
    await store.close()
  }
}

function loadNamed(file: string): void {
  try {
    process.loadEnvFile(file)
  } catch (error) {
    throw new Failure(`--env-file ${file} cannot be read: ${(error as Error).message.replace(/\.$/, '')}.`)
  }
}

/** A key of a session or a call may begin with a hyphen, which an argument after an option may not. */
const KEY = /^-[\w-]{21}(?:\.[\w-]{1,100}~?)?$/

const OF_KEYS = new Set(['--session', '--end', '--task', '--cancel'])

/** The arguments, with such keys behind the `=` of their option. */
export function withKeys(args: readonly string[]): string[] {
  const joined: string[] = []
  for (const arg of args) {
    const option = joined.at(-1)
    if (KEY.test(arg) && OF_KEYS.has(option ?? '')) joined.splice(-1, 1, `${option}=${arg}`)
    else joined.push(arg)
  }
  return joined
}

/** The number of an option. @throws Failure */
export function readLimit(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (limit < 1) throw new Failure(`--limit must be a whole number from 1 to 999999, not "${text}".`)
  return limit
}

/** A token of the command line; `-` is read from stdin, where no list of processes shows it. */
export function readToken(given: string): string {
  return given === '-' ? readFileSync(0, 'utf8').trim() : given
}
