/** An ask that its client has refused with a JSON-RPC error, which a session's client may (2025-11-25). It is kept as an answer. */
import { isObject, type JsonObject } from '../protocol/jsonrpc.ts'
import { AskError } from '../server/context/errors.ts'

const REFUSED = 'mcp-anywhere/refused'

/** The answer that says so. */
export function refusedWith({ code, message, data }: AskError): JsonObject {
  return { [REFUSED]: { ...(code !== undefined && { code }), message, ...(data !== undefined && { data }) } }
}

/** The answer of an ask, as the record has it. Rejects with an AskError where the client has refused. */
export async function answerIn(method: string, text: string): Promise<JsonObject> {
  const answer = JSON.parse(text) as JsonObject
  const refused = answer[REFUSED]
  if (!isObject(refused)) return answer
  const { code, message, data } = refused
  const reason = typeof message === 'string' ? message : `${method}: the client answered with an error.`
  throw new AskError('refused', reason, { ...(typeof code === 'number' && { code }), data })
}
