/** `initialize`: what is read of the request, and its result. */
import { memoizeByObject } from '../base/memo.ts'
import { resultJson } from '../base/to-json.ts'
import { readCapabilities, readClientInfo } from '../protocol/client.ts'
import { ErrorCode, invalidParams } from '../protocol/errors.ts'
import { isObject, type JsonObject, type JsonRpcRequest, RawJson } from '../protocol/jsonrpc.ts'
import { Refusal } from '../protocol/refusal.ts'
import { isSessionRevision, LATEST_SESSION_REVISION } from '../protocol/revisions.ts'
import type { Description } from '../server/dispatcher.ts'
import type { Session } from './stream/session.ts'

/** The longest session record, in characters: it is kept for a day, and every request of the session reads it. */
const MAX_RECORD = 4_096

/**
 * Reads the revision and the client's description from `initialize`.
 * @throws ProtocolError -32602 if the request names no revision, or a member has a wrong type
 */
export function readInitialize({ id, params = {} }: JsonRpcRequest): Pick<Session, 'revision' | 'client'> {
  const { protocolVersion, capabilities, clientInfo } = params
  if (typeof protocolVersion !== 'string') {
    throw new Refusal(400, ErrorCode.InvalidParams, 'initialize needs "protocolVersion", a string.', { id })
  }
  if (capabilities !== undefined && !isObject(capabilities))
    throw invalidParams('"capabilities" must be an object.', id)
  return {
    revision: isSessionRevision(protocolVersion) ? protocolVersion : LATEST_SESSION_REVISION,
    client: {
      capabilities: readCapabilities(capabilities ?? {}, 'capabilities'),
      info: readClientInfo(clientInfo, 'clientInfo'),
    },
  }
}

/** @throws Refusal if the description of the client in `initialize` is too long */
export function checkLength(record: string, { id }: JsonRpcRequest): void {
  if (record.length <= MAX_RECORD) return
  const message = `"capabilities" and "clientInfo" may have ${MAX_RECORD} characters together.`
  throw new Refusal(400, ErrorCode.InvalidParams, message, { id })
}

/** The result of `initialize`, serialized once for each description. */
export const initializeResult: (description: Description) => RawJson = memoizeByObject(
  ({ revision, info, capabilities, instructions }) => {
    const result: JsonObject = { protocolVersion: revision, capabilities, serverInfo: info }
    if (instructions !== undefined) result.instructions = instructions
    return new RawJson(resultJson(result))
  },
)
