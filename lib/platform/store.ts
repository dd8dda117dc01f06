/** The store of a deployment. */
import { redisStore } from '../store/redis/index.ts'
import type { Store } from '../store/store.ts'
import type { Settings } from './environment.ts'
import { redisOptions } from './redis.ts'

/**
 * Redis where the settings have its URL, else the memory of this process, for one instance.
 *
 * @param onError receives why Redis cannot be reached or refuses this process, and a new reason that follows it
 */
export async function openStore(settings: Settings, onError: (error: unknown) => void): Promise<Store> {
  if (settings.redisUrl !== undefined) return redisStore({ ...redisOptions(settings), onError })
  const { memoryStore } = await import('../store/memory/index.ts')
  return memoryStore({ maxBytes: settings.endpoint.http?.maxMemory })
}
