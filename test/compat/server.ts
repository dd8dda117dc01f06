/** What a program of Redis says of itself, and whether a store can use it. */
import { execFileSync } from 'node:child_process'
import { redisStore } from '../../lib/store/redis/index.ts'
import { StoreRefused } from '../../lib/store/store.ts'
import { startRedis } from '../support/redis.ts'

/** As in `Valkey 8.1.1`. @throws Error where the program says nothing of the kind */
export function versionOf(program: string): string {
  const text = execFileSync(program, ['--version'], { encoding: 'utf8' })
  const [, name, version] = /^(\S+) server v=(\S+)/.exec(text) ?? []
  if (name === undefined) throw new Error(`${program} --version printed no version: ${text.slice(0, 200)}`)
  return `${name} ${version}`
}

/** The line with which a store refuses the server of the variable REDIS_SERVER; undefined where it can be used. */
export async function refusalOf(): Promise<string | undefined> {
  const server = await startRedis()
  const store = redisStore(server.url)
  try {
    await store.ping()
    return undefined
  } catch (error) {
    if (error instanceof StoreRefused) return error.message
    throw error
  } finally {
    await store.close()
    await server.stop()
  }
}
