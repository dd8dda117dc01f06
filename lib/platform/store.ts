/** The store of a deployment. */
import { redisStore } from '../store/redis/index.ts'
import type { Store } from '../store/store.ts'
import type { Settings } from './environment.ts'

type StoreSettings = Pick<Settings, 'redisUrl' | 'redisPrefix' | 'redisRenamedFrom' | 'endpoint'>

/**
 * Redis where the settings have its URL, else the memory of this process, for one instance.
 *
 * @param onError receives why Redis cannot be reached or refuses this process, and a new reason that follows it
 */
export async function openStore(
  { redisUrl, redisPrefix, redisRenamedFrom, endpoint }: StoreSettings,
  onError: (error: unknown) => void,
): Promise<Store> {
  if (redisUrl !== undefined) {
    return redisStore({ url: redisUrl, prefix: redisPrefix, renamedFrom: redisRenamedFrom, onError })
  }
  const { memoryStore } = await import('../store/memory/index.ts')
  return memoryStore({ maxBytes: endpoint.http?.maxMemory })
}
