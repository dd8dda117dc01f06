/** Ends, at a store that was away, the calls that have ended here meanwhile. Nothing else of such a call is kept. */
import { randomId } from '../../base/ids.ts'
import type { Instance } from '../../runtime/instance.ts'
import { type Owner, type SessionKey, type Store, StoreUnavailable } from '../../store/store.ts'

/** As much work as waits for the store at most. */
const MOST_ENDING = 5_000

/** The call has ended without a message. */
export function endLater(instance: Instance, key: SessionKey, call: Parameters<Store['endCall']>[1]): void {
  instance.retry.add(() => instance.store.endCall(key, call))
}

/**
 * Gives up a claim that came to nothing, or whose reply was lost: it may have been stored. This instance lives, so that no other one
 * would claim the call from it.
 */
export function releaseLater(instance: Instance, key: SessionKey, stream: string, owner: Owner): void {
  instance.retry.add(() => instance.store.releaseCall(key, stream, owner))
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
 * the store was asked once. Until the store has the message it names a run that is no more: nobody here takes the call from it.
 */
export function finishLater(instance: Instance, key: SessionKey, message: LastMessage): Promise<unknown> {
  const { ending, retry } = instance
  const { stream } = message
  const [oldest] = ending
  if (oldest !== undefined && ending.size >= MOST_ENDING) ending.delete(oldest)
  ending.add(stream)
  return retry.now(async () => {
    try {
      await finish(instance, key, message)
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) ending.delete(stream)
      throw error
    }
    ending.delete(stream)
  })
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
