import type { ServerMethod } from '../../protocol/methods.ts'
import { completionComplete } from './complete.ts'
import type { Handler } from './handler.ts'
import { promptsList, resourcesList, templatesList, toolsList } from './lists.ts'
import { promptsGet } from './prompts.ts'
import { resourcesRead } from './resources.ts'
import { toolsCall } from './tools.ts'

const TABLE: Readonly<Record<ServerMethod, Handler>> = {
  'tools/list': toolsList,
  'tools/call': toolsCall,
  'resources/list': resourcesList,
  'resources/templates/list': templatesList,
  'resources/read': resourcesRead,
  'prompts/list': promptsList,
  'prompts/get': promptsGet,
  'completion/complete': completionComplete,
}

/** The methods that the registry answers: one for each row of protocol/methods.ts that the server serves. */
export const HANDLERS: ReadonlyMap<string, Handler> = new Map(Object.entries(TABLE))
