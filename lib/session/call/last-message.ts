/**
 * What the store must still be told of a call that has ended here while the store was away. Apart from the call, of which
 * nothing else is kept for as long as that takes.
 */
import { randomId } from '../../base/ids.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { CallEnd, Owner, SessionKey } from '../../store/store.ts'

/** That the call has ended without a message. */
export function oweEnd(instance: Instance, key: SessionKey, call: CallEnd): void {
  instance.insist(() => instance.store.endCall(key, call))
}

export interface LastWord {
  stream: string
  owner: Owner
  text: string
  /** The asks of the call. */
  forget: string[] | undefined
}

/** The last message, behind whatever the log has, if the call is still this run's. */
export function oweLastWord(instance: Instance, key: SessionKey, word: LastWord): void {
  instance.insist(() => say(instance, key, word))
}

async function say(instance: Instance, key: SessionKey, { stream, owner, text, forget }: LastWord): Promise<void> {
  const { store } = instance
  let from = 1
  for (let attempt = 0; attempt < 2; attempt++) {
    const append = { stream, owner, from, messages: [text], tag: randomId(3), final: true, forget }
    const { status, end, holder } = await store.append(key, append)
    if (status === 'cancelled') {
      await store.endCall(key, { stream, owner, mark: true })
      return
    }
    if (status === 'ok') {
      if (holder !== undefined) await instance.told({ t: 'look', to: holder })
      return
    }
    from = end + 1
  }
}
