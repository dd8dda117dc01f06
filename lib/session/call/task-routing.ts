/** Which requests of a session are about its tasks (2025-11-25). All else of tasks is loaded with the first of them. */
import { features } from '../../protocol/revisions.ts'
import type { Dispatcher } from '../../server/dispatcher.ts'
import { type CallParts, viewerOf } from './host.ts'
import { refusalOf } from './response.ts'

/** Calls of tools without a task are the server's, as is all of it in the other revisions, which then has no such method. */
export function isOfTasks(dispatcher: Dispatcher, parts: CallParts): boolean {
  const { session, request } = parts
  if (!features(session.revision).coreTasks) return false
  const { method, params = {} } = request
  const isPlain = method === 'tools/call' && params.task === undefined
  if (isPlain) {
    const viewer = viewerOf(parts.host, session, parts.caller)
    return dispatcher.policyOf(method, params, viewer).task?.support === 'required'
  }
  // A call that is refused is refused as one of the server's is.
  return method !== 'tasks/result' || refusalOf(parts) === undefined
}
