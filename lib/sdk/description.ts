/** How a server describes itself in its answer to `initialize`. */
import { isObject, type JsonObject } from '../protocol/jsonrpc.ts'
import { readImplementation } from '../protocol/types.ts'
import type { OwnDescription } from './private.ts'

/** The description in a result of `initialize`. `name`: of a server that gives none. */
export function descriptionIn({ serverInfo, capabilities, instructions }: JsonObject, name: string): OwnDescription {
  return {
    info: readImplementation(serverInfo) ?? { name, version: '' },
    capabilities: isObject(capabilities) ? capabilities : {},
    instructions: typeof instructions === 'string' ? instructions : undefined,
  }
}
