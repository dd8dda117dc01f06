import type { ServerMethod } from '../../protocol/methods.ts'
import type { Registry } from '../registry/registry.ts'
import type { MethodHandler } from './method.ts'
import { MORE } from './on-demand.ts'
import { callTool } from './tools.ts'

/** How the registry answers one method. */
interface Handler {
  /** The server has the kind of entry that the method is about. Without it the server does not have the method. */
  has(registry: Registry): boolean
  run: MethodHandler
}

const tools: Handler['has'] = ({ offered }) => offered.tools
const resources: Handler['has'] = ({ offered }) => offered.resources
const prompts: Handler['has'] = ({ offered }) => offered.prompts

type Loaded = Omit<NonNullable<typeof MORE.now>, 'toolResultFault'>

/** A handler whose code is loaded when one of them is first used. */
const onDemand =
  (name: keyof Loaded): MethodHandler =>
  (registry, params, channel, ctx) =>
    MORE.now?.[name](registry, params, channel, ctx) ??
    MORE.load().then((loaded) => loaded[name](registry, params, channel, ctx))

const TABLE: Readonly<Record<ServerMethod, Handler>> = {
  'tools/list': { has: tools, run: onDemand('listTools') },
  'tools/call': { has: tools, run: callTool },
  'resources/list': { has: resources, run: onDemand('listResources') },
  'resources/templates/list': { has: resources, run: onDemand('listTemplates') },
  'resources/read': { has: resources, run: onDemand('readResource') },
  'prompts/list': { has: prompts, run: onDemand('listPrompts') },
  'prompts/get': { has: prompts, run: onDemand('getPrompt') },
  'completion/complete': { has: ({ offered }) => offered.completions, run: onDemand('complete') },
}

/** The methods that the registry answers: one for each row of protocol/methods.ts that the server serves. */
export const HANDLERS: ReadonlyMap<string, Handler> = new Map(Object.entries(TABLE))
