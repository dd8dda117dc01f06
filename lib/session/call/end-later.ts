/** Ends, at a store that was away, the calls that have ended here meanwhile. Nothing else of such a call is kept. */
import { randomId } from '../../base/ids.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { Owner, SessionKey, Store } from '../../store/store.ts'

/** The call has ended without a message. */
export function endLater(instance: Instance, key: SessionKey, call: Parameters<Store['endCall']>[1]): void {
  instance.retry.add(() => instance.store.endCall(key, call))
}

interface LastMessage {
  stream: string
  owner: Owner
  /** The number of the message, if the log has what it had. Default: the log is asked. */
  from?: number
  text: string
  /** The call has a journal. */
  durable?: boolean
  /** The asks of the call. */
  forget: string[] | undefined
}

/**
 * The call has ended with this message, which follows whatever the log has, if the call is still this run's. Resolves when
 * the store was asked once.
 */
export function finishLater(instance: Instance, key: SessionKey, message: LastMessage): Promise<unknown> {
  return instance.retry.now(() => finish(instance, key, message))
}

async function finish(
  instance: Instance,
  key: SessionKey,
  { stream, owner, from: first = 1, text, durable, forget }: LastMessage,
): Promise<void> {
  const { store } = instance
  let from = first
  for (let attempt = 0; attempt < 2; attempt++) {
    const append = { stream, owner, from, messages: [text], tag: randomId(3), final: true, durable, forget }
    const { status, end, holder } = await store.append(key, append)
    if (status === 'cancelled') {
      await store.endCall(key, { stream, owner, mark: true, durable, forget })
      return
    }
    if (status === 'ok') {
      if (holder !== undefined) await instance.send({ t: 'look', to: holder })
      return
    }
    from = end + 1
  }
}
