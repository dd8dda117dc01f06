/** Results and errors of handlers of the official SDK, as the endpoint sends them. */
import { asError, textOf } from '../base/errors.ts'
import { downgradePromptResult, downgradeReadResult, downgradeToolResult } from '../protocol/downgrade.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import { isObject, type JsonObject } from '../protocol/jsonrpc.ts'
import { features, type Revision } from '../protocol/revisions.ts'
import type { CallToolResult, GetPromptResult, ReadResourceResult } from '../protocol/types.ts'
import { withFault } from '../server/context/fault.ts'

/** How long a client may keep a result where nothing says so: as the official SDK has it. */
export const NOT_KEPT = { ttlMs: 0, cacheScope: 'private' } as const

/**
 * @param hint how long clients may keep results of this method
 * @throws ProtocolError for a result that is no object
 */
export function resultFor(method: string, result: unknown, revision: Revision, hint: JsonObject): JsonObject {
  if (!isObject(result)) {
    throw new ProtocolError(ErrorCode.InternalError, `The handler of ${method} returned no object.`)
  }
  switch (method) {
    case 'tools/call':
      return downgradeToolResult(result as CallToolResult, revision)
    case 'prompts/get':
      return downgradePromptResult(result as GetPromptResult, revision)
    case 'resources/read':
      if (features(revision).cacheHints) return { ...hint, ...result }
      return downgradeReadResult(result as ReadResourceResult, revision)
    default:
      return result
  }
}

/** The error for what a handler threw: the code, the message and the data that the SDK would send. */
export function failureFor(thrown: unknown): Error {
  const error = asError(thrown)
  if (error instanceof ProtocolError) return error
  const { code, data } = error as { code?: unknown; data?: unknown }
  if (typeof code === 'number' && Number.isSafeInteger(code)) return new ProtocolError(code, textOf(error), data)
  return withFault(new ProtocolError(ErrorCode.InternalError, textOf(error), data), 'exception', error)
}
