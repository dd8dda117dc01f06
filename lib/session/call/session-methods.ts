/** The methods whose effect is the session's own state. The author's server answers all others. */
import type { JsonObject, Result } from '../../protocol/jsonrpc.ts'
import type { SessionChannel } from './channel.ts'
import type { CallParts } from './host.ts'
import { changeSession, serveTasks } from './on-demand.ts'
import { isOfTasks } from './task-routing.ts'

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
    case 'tasks/result': {
      const { tasks } = parts.host
      return tasks?.dispatcher.tasks && isOfTasks(tasks.dispatcher, parts)
        ? serveTasks(tasks, parts, channel)
        : undefined
    }
    default:
      return undefined
  }
  return changeSession(parts, channel)
}
