/** The methods whose effect is the session's own state. The author's server answers all others. */
import type { JsonObject, Result } from '../../protocol/jsonrpc.ts'
import { features } from '../../protocol/revisions.ts'
import type { SessionChannel } from './channel.ts'
import { type CallParts, type SessionTasks, viewerOf } from './host.ts'
import { changeSession, serveTasks } from './on-demand.ts'
import { refusalOf } from './response.ts'

/** Calls of tools without a task are the server's, as is all of it in the other revisions, which then has no such method. */
function taskMethod(tasks: SessionTasks, parts: CallParts, channel: SessionChannel): Promise<Result> | undefined {
  const { session, request } = parts
  if (!features(session.revision).coreTasks) return undefined
  const { method, params = {} } = request
  const isPlain = method === 'tools/call' && params.task === undefined
  if (isPlain && tasks.rulesOf(params, viewerOf(parts.host, session, parts.caller))?.support !== 'required')
    return undefined
  // The call is refused as one of the server's is.
  if (method === 'tasks/result' && refusalOf(parts)) return undefined
  return serveTasks(tasks, parts, channel)
}

/** Answers a method of the session, or returns undefined where it is none. */
export function sessionMethod(parts: CallParts, channel: SessionChannel): JsonObject | Promise<Result> | undefined {
  switch (parts.request.method) {
    case 'ping':
      return {}
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      // Without a GET stream nothing could deliver the updates, and the capability was not declared.
      if (parts.host.instance.options.getPolicy === 'off') return undefined
      break
    case 'logging/setLevel':
      break
    case 'tools/call':
    case 'tasks/get':
    case 'tasks/list':
    case 'tasks/cancel':
    case 'tasks/result':
      return parts.host.tasks?.some ? taskMethod(parts.host.tasks, parts, channel) : undefined
    default:
      return undefined
  }
  return changeSession(parts, channel)
}
