import type { JsonObject } from '../protocol/jsonrpc.ts'
import type { SessionRevision } from '../protocol/revisions.ts'
import type { Description } from '../server/dispatcher.ts'

/** The result of `initialize`. */
export function initializeResult(revision: SessionRevision, description: Description): JsonObject {
  const { info, capabilities, instructions } = description
  const result: JsonObject = { protocolVersion: revision, capabilities, serverInfo: info }
  if (instructions !== undefined) result.instructions = instructions
  return result
}
