/** The store of a deployment. */
import { redisStore } from '../store/redis/index.ts'
import type { Store } from '../store/store.ts'

/** Redis where the settings have its URL, else the memory of this process, for one instance. */
export async function openStore({ redisUrl }: { redisUrl: string | undefined }): Promise<Store> {
  if (redisUrl !== undefined) return redisStore(redisUrl)
  const { memoryStore } = await import('../store/memory/index.ts')
  return memoryStore()
}
