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
  /** Of the handler of a durable tool. */
  version?: string | undefined
}

/** What is stored of a request. */
interface Stored {
  request: JsonRpcRequest
  /** To which its client sent it. */
  url: URL | undefined
  former: FormerTrace | undefined
  version: string | undefined
}

export function writeStored({ host, request, caller }: CallParts, call?: CallStart): string {
  // Also where there is none: the client may have sent members of these names.
  const url = caller.request.url?.href
  const stored: StoredRequest = { ...request, url, trace: formerTrace(call), version: host.versionOf(request) }
  return JSON.stringify(stored)
}

export function readStored(text: string): Stored {
  const { url, trace, version, ...request } = JSON.parse(text) as StoredRequest
  return {
    request,
    url: typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined,
    former: readFormer(trace),
    version: typeof version === 'string' ? version : undefined,
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
