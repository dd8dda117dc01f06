/** What is loaded when it is first used: see on-demand.ts. */
import { complete } from './complete.ts'
import { withProtocolErrors } from './failures.ts'
import { listPrompts, listResources, listTemplates, listTools } from './lists.ts'
import type { MethodHandler } from './method.ts'
import { getPrompt } from './prompts.ts'
import { readResource } from './resources.ts'

export { toolResultFault } from './faults.ts'

export const HANDLERS = {
  listTools,
  listPrompts,
  listTemplates,
  listResources: withProtocolErrors(listResources),
  readResource: withProtocolErrors(readResource),
  getPrompt: withProtocolErrors(getPrompt),
  complete: withProtocolErrors(complete),
} satisfies Record<string, MethodHandler>
