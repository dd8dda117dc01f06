/** HTTP+SSE (2024-11-05): every message goes on the one stream of the session. */
import { randomId } from '../base/ids.ts'
import type { Caller } from '../runtime/caller.ts'
import type { Instance } from '../runtime/instance.ts'
import { GET_STREAM, tagOf } from '../store/names.ts'
import type { SessionKey } from '../store/store.ts'
import type { Session } from './stream/session.ts'

/** Puts a message of the server that belongs to no call on the session's own stream. */
export async function postTo(instance: Instance, key: SessionKey, text: string): Promise<void> {
  await relayTo(instance, { key }, { client: undefined }, text, `own.${randomId(12)}`)
}

/** Puts a message on the session's own stream, and returns its holder. Two messages with the same id are one. */
export async function relayTo(
  instance: Instance,
  session: Pick<Session, 'key'>,
  { client }: Pick<Caller, 'client'>,
  data: string,
  id: string,
) {
  const tag = tagOf(id)
  const reply = await instance.store.post(session.key, GET_STREAM, data, tag, id)
  if (reply.status !== 'ok') return undefined
  instance.stored.report(client, session.key, reply)
  if (reply.holder !== undefined) {
    const { n, holder } = reply
    void instance.send({ t: 'entries', to: holder, n, tag, data: [data], final: false })
    return holder
  }
  return undefined
}
