/** The store of a deployment. */
import { redisStore } from '../store/redis/index.ts'
import type { Store } from '../store/store.ts'
import type { Settings } from './environment.ts'

/** Redis where the settings have its URL, else the memory of this process, for one instance. */
export async function openStore({ redisUrl, endpoint }: Pick<Settings, 'redisUrl' | 'endpoint'>): Promise<Store> {
  if (redisUrl !== undefined) return redisStore(redisUrl)
  const { memoryStore } = await import('../store/memory/index.ts')
  return memoryStore({ maxBytes: endpoint.http?.maxMemory })
}
