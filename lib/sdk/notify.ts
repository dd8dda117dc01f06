/** Notifications that a server sends in a call. */
import type { JsonObject } from '../protocol/jsonrpc.ts'
import { features } from '../protocol/revisions.ts'
import { isLoggingLevel } from '../protocol/types.ts'
import type { ClientChannel } from '../server/context/client-channel.ts'
import type { ListKind } from '../server/registry/announcement.ts'

/** Sends a notification as the revision of the client has it, unless the client wants no log messages of its level. */
export async function notifyClient(channel: ClientChannel, method: string, params: JsonObject): Promise<void> {
  if (method === 'notifications/message' && isLoggingLevel(params.level) && !channel.wants(params.level)) return
  if (method !== 'notifications/progress' || features(channel.revision).progressMessage)
    return channel.notify(method, params)
  const { message: _message, ...figures } = params
  return channel.notify(method, figures)
}

/** The kind of list that a notification announces as changed. */
export function changedList(method: string): ListKind | undefined {
  const [, kind] = /^notifications\/(tools|prompts|resources)\/list_changed$/.exec(method) ?? []
  return kind as ListKind | undefined
}
