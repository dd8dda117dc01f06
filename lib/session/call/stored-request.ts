/** The request of a call as the store keeps it, for another instance to run it again. */
import type { JsonRpcRequest } from '../../protocol/jsonrpc.ts'
import type { RequestInfo } from '../../server/context/client-channel.ts'
import type { CallParts } from './host.ts'

/** Without the URL where a build before it wrote the text, and where there is none. */
interface StoredRequest extends JsonRpcRequest {
  url?: string | undefined
}

export function writeStored({ request, caller }: CallParts): string {
  // Also where there is none: the client may have sent a member of that name.
  const stored: StoredRequest = { ...request, url: caller.request.url?.href }
  return JSON.stringify(stored)
}

/** @returns the request, and the URL to which its client sent it, where that was stored */
export function readStored(text: string): { request: JsonRpcRequest; url: URL | undefined } {
  const { url, ...request } = JSON.parse(text) as StoredRequest
  return { request, url: typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined }
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
