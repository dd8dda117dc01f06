/** Announcing changes to every client, from an endpoint or from any other process that has the store. */
import type { Announcer } from './server/outlet.ts'
import type { Store } from './store/store.ts'

/**
 * Announces changes to the clients of every instance on this store.
 *
 * @example
 * const notify = createNotifier(redisStore(process.env.REDIS_URL))
 * await notify.resourceUpdated('note://7')
 */
export function createNotifier(store: Store): Announcer {
  return {
    toolsChanged: () => store.publish({ kind: 'tools' }),
    promptsChanged: () => store.publish({ kind: 'prompts' }),
    resourcesChanged: () => store.publish({ kind: 'resources' }),
    resourceUpdated: (uri) => store.publish({ kind: 'updated', uri }),
  }
}
