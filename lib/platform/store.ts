/** The store of a deployment. */
import { redisStore } from '../store/redis/index.ts'
import type { Store } from '../store/store.ts'
import type { Settings } from './environment.ts'

/**
 * Redis where the settings have its URL, else the memory of this process, for one instance.
 *
 * @param onError receives why Redis cannot be reached or refuses this process: once, until it is back
 */
export async function openStore(
  { redisUrl, redisPrefix, redisRenamedFrom }: Pick<Settings, 'redisUrl' | 'redisPrefix' | 'redisRenamedFrom'>,
  onError: (error: unknown) => void,
): Promise<Store> {
  if (redisUrl !== undefined) {
    return redisStore({ url: redisUrl, prefix: redisPrefix, renamedFrom: redisRenamedFrom, onError })
  }
  const { memoryStore } = await import('../store/memory/index.ts')
  return memoryStore()
}
