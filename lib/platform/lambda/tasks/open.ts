/** The executor of a function, where `TASK_EXECUTOR` is set. */
import { executorOrStop } from '../../executor.ts'
import { SelfInvocation } from './own-events.ts'

/** Undefined: this process runs the legs of tasks itself. A wrong setting ends it. */
export function openOwnEvents(): SelfInvocation | undefined {
  return executorOrStop(process.env).kind === 'lambda' ? new SelfInvocation(process.env) : undefined
}
