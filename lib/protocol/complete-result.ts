/** Results of the stateless revision. */
import { resultJson, toJson } from '../base/to-json.ts'
import { type JsonObject, RawJson, type Result } from './jsonrpc.ts'

/** The key in `_meta` under which every result of the stateless revision names the server. */
const SERVER_INFO_KEY = 'io.modelcontextprotocol/serverInfo'

/**
 * A result as the stateless revision has it: with `resultType`, "complete" where it has none, and the server's
 * identity. Ready text must have neither yet.
 *
 * @param serverInfo JSON of `{ name, version }`, or of the whole description of the server
 * @throws NotJson
 */
export function completeResult(result: Result, serverInfo: string): RawJson {
  if (!(result instanceof RawJson) && (result._meta !== undefined || result.resultType !== undefined)) {
    const _meta = { ...(result._meta as JsonObject | undefined), [SERVER_INFO_KEY]: JSON.parse(serverInfo) }
    return new RawJson(toJson({ resultType: 'complete', ...result, _meta }))
  }
  const text = result instanceof RawJson ? result.text : resultJson(result)
  const head = `{"resultType":"complete","_meta":{"${SERVER_INFO_KEY}":${serverInfo}}`
  return new RawJson(text === '{}' ? `${head}}` : `${head},${text.slice(1)}`)
}
