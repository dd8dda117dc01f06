import { randomId } from '../../../base/ids.ts'
import type { Instance } from '../../../runtime/instance.ts'
import { GET_STREAM } from '../../../store/names.ts'
import type { SessionKey } from '../../../store/store.ts'

/** Puts a message on the session's own stream. */
export async function postTo(instance: Instance, key: SessionKey, text: string): Promise<void> {
  const tag = instance.id.slice(0, 4)
  const reply = await instance.store.post(key, GET_STREAM, text, tag, randomId(9))
  if (reply.status !== 'ok' || reply.holder === undefined) return
  const { n, holder } = reply
  void instance.send({ t: 'entries', to: holder, n, tag, data: [text], final: false })
}
