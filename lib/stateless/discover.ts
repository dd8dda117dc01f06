/** `server/discover`: the whole description of the server. */
import { memoizeByObject } from '../base/memo.ts'
import { completeResult } from '../protocol/downgrade.ts'
import type { JsonObject, RawJson } from '../protocol/jsonrpc.ts'
import { SUPPORTED_REVISIONS } from '../protocol/revisions.ts'
import type { Description } from '../server/dispatcher.ts'

/** The result of `server/discover`, made once for each description. */
export const discoverResult: (description: Description) => RawJson = memoizeByObject((description) => {
  const { info, capabilities, instructions, cacheHint } = description
  const result: JsonObject = { supportedVersions: SUPPORTED_REVISIONS, capabilities, ...cacheHint }
  if (instructions !== undefined) result.instructions = instructions
  // Every result names the server; this one has the whole of its info, as that of initialize has.
  return completeResult(result, JSON.stringify(info))
})
