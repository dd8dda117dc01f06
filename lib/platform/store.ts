/** The store of a deployment. */

import type { ReadyClient } from '../store/redis/given.ts'
import { redisStore } from '../store/redis/index.ts'
import type { Store } from '../store/store.ts'
import type { Settings } from './environment.ts'
import type { Log } from './log.ts'
import { rareText } from './rare-texts.ts'
import { redisOptions } from './redis.ts'

/** What the entry of a platform gives beside the server. */
export interface EntryOptions {
  /** A `Redis` or a `Cluster` of ioredis, in place of `REDIS_URL`. The entry itself ends it. */
  redis?: ReadyClient | undefined
}

/**
 * Redis where the entry has a client of it or the settings have its URL, else the memory of this process, for one instance.
 *
 * @param log gets why Redis cannot be reached or refuses this process, and a new reason that follows it
 */
export async function openStore(settings: Settings, log: Log, { redis: client }: EntryOptions): Promise<Store> {
  if (client !== undefined) {
    if (settings.endpoint.keys === undefined) log.say('WARNING', rareText('noKeys'))
    return orStop(() => redisStore({ ...redisOptions(settings), client, onError: log.error }))
  }
  if (settings.redisUrl !== undefined) {
    const store = redisStore({ ...redisOptions(settings), onError: log.error })
    store.open?.()
    return store
  }
  const { memoryStore } = await import('../store/memory/index.ts')
  return memoryStore({ maxBytes: settings.endpoint.http?.maxMemory })
}

/** The result of `make`. A client that cannot be used ends the process with one line. */
function orStop<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    console.error(error.message)
    process.exit(1)
  }
}
