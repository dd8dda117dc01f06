/** Announces changes to clients, from an endpoint or from any other process that has the store. */
import { digest, randomId } from '../base/ids.ts'
import { handled } from '../base/promises.ts'
import { notificationText } from '../protocol/jsonrpc.ts'
import type { Announcer } from '../server/context/client-channel.ts'
import { GET_STREAM } from '../store/names.ts'
import type { BusStore, StreamStore, ValueStore } from '../store/store.ts'
import { instanceOf } from './instance.ts'
import type { Mail } from './mail.ts'

export interface Notifier extends Announcer {
  /**
   * Sends `notifications/elicitation/complete` (2025-11-25) to the client of a URL elicitation whose user has finished.
   * False: there is no such elicitation, or its session has ended.
   */
  elicitationCompleted(elicitationId: string): Promise<boolean>
}

/**
 * Announces changes to the clients of every instance on this store.
 *
 * @example
 * const notify = createNotifier(redisStore(process.env.REDIS_URL))
 * await notify.resourceUpdated('note://7')
 */
export function createNotifier(store: BusStore & StreamStore & ValueStore): Notifier {
  const tag = randomId(3)
  return {
    toolsChanged: () => handled(store.publish({ kind: 'tools' })),
    promptsChanged: () => handled(store.publish({ kind: 'prompts' })),
    resourcesChanged: () => handled(store.publish({ kind: 'resources' })),
    resourceUpdated: (uri) => handled(store.publish({ kind: 'updated', uri })),
    elicitationCompleted: (elicitationId) => handled(complete(elicitationId)),
  }

  async function complete(elicitationId: string): Promise<boolean> {
    const key = await store.getValue('elic', elicitationId)
    if (key === undefined) return false
    const data = notificationText('notifications/elicitation/complete', { elicitationId })
    // The message has the same id each time, so that a repeated completion sends nothing.
    const id = `elic.${digest(elicitationId, 9)}`
    const reply = await store.post(key, GET_STREAM, data, tag, id)
    if (reply.status === 'gone') return false
    const { n, holder } = reply
    if (holder !== undefined) {
      const mail: Mail = { t: 'entries', to: holder, n, tag, data: [data], final: false }
      await store.send(instanceOf(holder), JSON.stringify(mail))
    }
    return true
  }
}
