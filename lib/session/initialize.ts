import type { JsonObject } from '../protocol/jsonrpc.ts'
import type { Description } from '../server/dispatcher.ts'

/** The result of `initialize`. */
export function initializeResult({ revision, info, capabilities, instructions }: Description): JsonObject {
  const result: JsonObject = { protocolVersion: revision, capabilities, serverInfo: info }
  if (instructions !== undefined) result.instructions = instructions
  return result
}
