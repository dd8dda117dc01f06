/** Announces changes to clients, from an endpoint or from any other process that has the store. */
import { digest } from '../base/ids.ts'
import { handled } from '../base/promises.ts'
import { notificationText } from '../protocol/jsonrpc.ts'
import type { AnnounceOptions, Announcer } from '../server/context/client-channel.ts'
import { GET_STREAM, tagOf } from '../store/names.ts'
import type { BusStore, Change, StreamStore, ValueStore } from '../store/store.ts'
import type { Mail } from './mail.ts'
import { instanceOf } from './name.ts'

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
 * await notify.resourcesChanged({ to: principal })
 */
export function createNotifier(store: BusStore & StreamStore & ValueStore): Notifier {
  return {
    toolsChanged: (options) => handled(publish({ kind: 'tools' }, options)),
    promptsChanged: (options) => handled(publish({ kind: 'prompts' }, options)),
    resourcesChanged: (options) => handled(publish({ kind: 'resources' }, options)),
    resourceUpdated: (uri, options) => handled(publish({ kind: 'updated', uri }, options)),
    elicitationCompleted: (elicitationId) => handled(complete(elicitationId)),
  }

  async function publish(change: Change, options?: AnnounceOptions): Promise<void> {
    if (options === undefined || !('to' in options)) return store.publish(change)
    // A name that is missing by mistake must not make the change known to everybody.
    if (typeof options.to !== 'string') throw new TypeError('"to" must be a principal, such as ctx.principal.')
    return store.publish({ ...change, to: options.to })
  }

  async function complete(elicitationId: string): Promise<boolean> {
    const key = await store.getValue('elic', elicitationId)
    if (key === undefined) return false
    const data = notificationText('notifications/elicitation/complete', { elicitationId })
    // The message has the same id each time, so that a repeated completion sends nothing.
    const id = `elic.${digest(elicitationId, 9)}`
    const tag = tagOf(id)
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
