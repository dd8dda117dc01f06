/** `initialize`: what is read of the request, and its result. */
import { memoizeByObject } from '../base/memo.ts'
import { resultJson } from '../base/to-json.ts'
import { essentialCapabilities, essentialInfo, readCapabilities, readClientInfo } from '../protocol/client.ts'
import { ErrorCode, invalidParams } from '../protocol/errors.ts'
import { isObject, type JsonObject, type JsonRpcRequest, RawJson } from '../protocol/jsonrpc.ts'
import { Refusal } from '../protocol/refusal.ts'
import { isSessionRevision, LATEST_SESSION_REVISION } from '../protocol/revisions.ts'
import type { Description } from '../server/dispatcher.ts'
import { type Session, writeRecord } from './stream/session.ts'

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
  const info = readClientInfo(clientInfo, 'clientInfo')
  return {
    revision: isSessionRevision(protocolVersion) ? protocolVersion : LATEST_SESSION_REVISION,
    client: {
      capabilities: readCapabilities(capabilities ?? {}, 'capabilities'),
      info: info && essentialInfo(info),
    },
  }
}

/**
 * The record of a session that `initialize` opens. Where it would be too long, the session loses the capabilities that are not
 * read here.
 * @throws Refusal 400 where it still is
 */
export function recordOf(session: Session, { id }: JsonRpcRequest): string {
  const record = writeRecord(session)
  if (record.length <= MAX_RECORD) return record
  const { info, capabilities } = session.client
  session.client = { info, capabilities: essentialCapabilities(capabilities) }
  const shorter = writeRecord(session)
  if (shorter.length <= MAX_RECORD) return shorter
  const message = `The texts in "clientInfo" may have ${MAX_RECORD} characters together.`
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
