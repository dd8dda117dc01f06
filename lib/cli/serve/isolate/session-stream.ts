import { randomId } from '../../../base/ids.ts'
import type { Instance } from '../../../runtime/instance.ts'
import { relayTo } from '../../../session/relay.ts'
import type { SessionKey } from '../../../store/store.ts'

/** Puts a message on the session's own stream. */
export async function sendTo(instance: Instance, key: SessionKey, text: string): Promise<void> {
  await relayTo(instance, { key }, { client: undefined }, text, `process.${randomId(9)}`)
}
