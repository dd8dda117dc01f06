/** Messages of an instance that has one client, sent outside of calls: they go on the session's own stream. */
import { type JsonObject, notificationText } from '../protocol/jsonrpc.ts'
import { compareLevels, isLoggingLevel } from '../protocol/types.ts'
import type { Instance } from '../runtime/instance.ts'
import { postTo } from '../session/relay.ts'
import type { SessionKey } from '../store/store.ts'

/** Sends a notification to the client of a session, unless the client wants no log messages of its level. */
export async function sendToSession(
  instance: Instance,
  key: SessionKey,
  method: string,
  params: JsonObject,
): Promise<void> {
  const session = await instance.store.readSession(key, undefined)
  if (!session) return
  const { level } = params
  const { level: wanted } = session
  const isLog = method === 'notifications/message' && isLoggingLevel(level) && isLoggingLevel(wanted)
  if (isLog && compareLevels(level, wanted) < 0) return
  await postTo(instance, key, notificationText(method, params))
}
