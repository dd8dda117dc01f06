/** `server/discover`: the full description of the server. */
import { memoizeByObject } from '../base/memo.ts'
import { completeResult } from '../protocol/complete-result.ts'
import type { JsonObject, RawJson } from '../protocol/jsonrpc.ts'
import { SUPPORTED_REVISIONS } from '../protocol/revisions.ts'
import type { Description } from '../server/dispatcher.ts'

/** The result of `server/discover`, serialized once for each description. */
export const discoverResult: (description: Description) => RawJson = memoizeByObject((description) => {
  const { info, capabilities, instructions, cacheHint } = description
  const result: JsonObject = { supportedVersions: SUPPORTED_REVISIONS, capabilities, ...cacheHint }
  if (instructions !== undefined) result.instructions = instructions
  // Other results carry the server's name and version only. This one carries its full info, as `initialize` does.
  return completeResult(result, JSON.stringify(info))
})
