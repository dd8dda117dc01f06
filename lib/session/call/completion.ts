/** Elicitations in URL mode: their pages report that the user is done. */
import { digest } from '../../base/ids.ts'
import type { Ask } from '../../server/context/client-channel.ts'
import type { SessionKey, Store } from '../../store/store.ts'
import type { CallParts } from './host.ts'

/** How long a page that was opened may take to be done with, in ms. */
const ELICITATION_LIFETIME = 24 * 60 * 60_000

/**
 * An elicitation belongs to the principal that was asked first; its latest session gets the completion. Without
 * authorization it belongs to a session.
 */
async function claimElicitation(store: Store, id: string, principal: string, key: SessionKey): Promise<void> {
  const name = `owner.${digest(id, 16)}`
  const owner = principal === '' ? key : principal
  const { status } = await store.addValue('elic', name, owner, ELICITATION_LIFETIME)
  if (status === 'taken') {
    const other = principal === '' ? await store.getValue('elic', name) : undefined
    const ended = other !== undefined && (await store.readSession(other, undefined)) === undefined
    if (!ended)
      throw new TypeError(`The elicitation id "${id}" is in use by another client. Give each elicitation its own.`)
  }
  await store.setValue('elic', name, owner, ELICITATION_LIFETIME)
}

/**
 * The page reports its completion by the elicitation's id alone, to any instance.
 * @throws TypeError where an author's id is that of another caller
 */
export async function expectCompletion(
  { host, session }: CallParts,
  principal: string,
  { params }: Ask,
): Promise<void> {
  const id = params?.elicitationId
  if (typeof id !== 'string') return
  await claimElicitation(host.store, id, principal, session.key)
  await host.store.setValue('elic', id, session.key, ELICITATION_LIFETIME)
}
