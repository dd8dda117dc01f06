/** `server/discover`: the whole description of the server. */
import { completeResult } from '../protocol/downgrade.ts'
import type { JsonObject, RawJson } from '../protocol/jsonrpc.ts'
import { SUPPORTED_REVISIONS } from '../protocol/revisions.ts'
import type { Description } from '../server/dispatcher.ts'

const results = new WeakMap<Description, RawJson>()

/** The result of `server/discover`. It is made once for each description. */
export function discoverResult(description: Description): RawJson {
  const kept = results.get(description)
  if (kept) return kept
  const { info, capabilities, instructions, cacheHint } = description
  const result: JsonObject = { supportedVersions: SUPPORTED_REVISIONS, capabilities, ...cacheHint }
  if (instructions !== undefined) result.instructions = instructions
  // Every result names the server; this one has the whole of its info, as that of initialize has.
  const complete = completeResult(result, JSON.stringify(info))
  results.set(description, complete)
  return complete
}
