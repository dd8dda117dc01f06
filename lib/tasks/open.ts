/** Makes the engine of tasks when it is first used: an endpoint without tasks loads nothing of it. */
import type { OnDemand } from '../base/on-demand.ts'
import type { Store } from '../store/store.ts'
import { Engine, type EngineParts } from './engine.ts'
import type { TaskEngine } from './engine-types.ts'

export type OpenTasks = OnDemand<TaskEngine>

/** @throws TypeError where the store keeps no tasks */
export async function openEngine(
  parts: Omit<EngineParts, 'store'>,
  store: Pick<Store, 'tasks' | 'name'>,
): Promise<TaskEngine> {
  const tasks = await store.tasks?.()
  if (!tasks) throw new TypeError(`The store ${store.name} keeps no tasks: it has no member "tasks".`)
  return new Engine({ ...parts, store: tasks })
}
