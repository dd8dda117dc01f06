/** The request of a call as the store keeps it, for another instance to run it again. */
import type { CallStart } from '../../base/events.ts'
import { type FormerTrace, formerTrace } from '../../base/tracing.ts'
import type { JsonRpcRequest } from '../../protocol/jsonrpc.ts'
import { readFormer } from '../../protocol/trace-context.ts'
import type { RequestInfo } from '../../server/context/client-channel.ts'
import type { CallParts } from './host.ts'

/** Without the URL where a build before it wrote the text, and where there is none. */
interface StoredRequest extends JsonRpcRequest {
  url?: string | undefined
  /** Where its run is traced. */
  trace?: FormerTrace | undefined
}

/** What is stored of a request. */
interface Stored {
  request: JsonRpcRequest
  /** To which its client sent it. */
  url: URL | undefined
  former: FormerTrace | undefined
}

export function writeStored({ request, caller }: CallParts, call?: CallStart): string {
  // Also where there is none: the client may have sent members of these names.
  const stored: StoredRequest = { ...request, url: caller.request.url?.href, trace: formerTrace(call) }
  return JSON.stringify(stored)
}

export function readStored(text: string): Stored {
  const { url, trace, ...request } = JSON.parse(text) as StoredRequest
  return {
    request,
    url: typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined,
    former: readFormer(trace),
  }
}

/** The request of the client that waits, with the URL of the call's own. */
export function withUrl(waiting: RequestInfo, url: URL): RequestInfo {
  return {
    get headers() {
      return waiting.headers
    },
    address: waiting.address,
    url,
  }
}
