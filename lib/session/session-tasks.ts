/** What sessions need of a server's tasks. */
import type { OnDemand } from '../base/on-demand.ts'
import type { Dispatcher } from '../server/dispatcher.ts'
import { NO_POLICY } from '../server/registry/policy.ts'
import type { TaskEngine } from '../tasks/engine-types.ts'
import type { SessionTasks } from './call/host.ts'

export function sessionTasks(dispatcher: Dispatcher, engine: OnDemand<TaskEngine>): SessionTasks {
  return {
    engine,
    get some() {
      return dispatcher.tasks === true
    },
    rulesOf: (params, viewer) => dispatcher.policyOf('tools/call', params, viewer).task,
    isTool: (params, viewer) =>
      typeof params.name === 'string' &&
      dispatcher.knows?.('tool', params.name) === true &&
      dispatcher.policyOf('tools/call', params, viewer) !== NO_POLICY,
  }
}
