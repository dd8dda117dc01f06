import type { ServerMethod } from '../../protocol/methods.ts'
import type { Registry } from '../registry/registry.ts'
import { complete } from './complete.ts'
import { withProtocolErrors } from './failures.ts'
import { listPrompts, listResources, listTemplates, listTools } from './lists.ts'
import type { MethodHandler } from './method.ts'
import { getPrompt } from './prompts.ts'
import { readResource } from './resources.ts'
import { callTool } from './tools.ts'

/** How the registry answers one method. */
interface Handler {
  /** An entry is registered that the method can be about. Without one the server does not have the method. */
  has(registry: Registry): boolean
  run: MethodHandler
}

const tools: Handler['has'] = (registry) => registry.tools.size > 0
const resources: Handler['has'] = (registry) => registry.hasResources
const prompts: Handler['has'] = (registry) => registry.prompts.size > 0

const TABLE: Readonly<Record<ServerMethod, Handler>> = {
  'tools/list': { has: tools, run: listTools },
  'tools/call': { has: tools, run: callTool },
  'resources/list': { has: resources, run: withProtocolErrors(listResources) },
  'resources/templates/list': { has: resources, run: listTemplates },
  'resources/read': { has: resources, run: withProtocolErrors(readResource) },
  'prompts/list': { has: prompts, run: listPrompts },
  'prompts/get': { has: prompts, run: withProtocolErrors(getPrompt) },
  'completion/complete': { has: (registry) => registry.hasCompletions, run: withProtocolErrors(complete) },
}

/** The methods that the registry answers: one for each row of protocol/methods.ts that the server serves. */
export const HANDLERS: ReadonlyMap<string, Handler> = new Map(Object.entries(TABLE))
